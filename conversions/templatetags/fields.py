"""Form fields as we show them: label, hint, input and errors, joined by aria-describedby."""

from __future__ import annotations

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def control(field: BoundField, **attributes: str | bool) -> SafeString:
    """The field's widget. Focus goes to the first field with an error, by `autofocus`, so it needs no script."""
    attributes["placeholder"] = False  # the label says it, and stays while one types
    names_of_invalid = [name for name, errors in field.form.errors.items() if errors and name in field.form.fields]
    if names_of_invalid and names_of_invalid[0] == field.name:
        attributes["autofocus"] = True
    described_by = [f"{field.auto_id}_ends"] if attributes.pop("ends", False) else []
    if attributes.pop("hint", field.help_text):
        described_by.append(f"{field.auto_id}_helptext")
    if attributes.pop("only", False):
        described_by.append(f"{field.auto_id}_only")
    wanted = getattr(field.form, "left_out", {}).get(field.name)
    if wanted is not None:  # offering.js brings it back with a voice that has it
        attributes["data-wanted"] = "on" if wanted is True else wanted
    # Also while there is no error: upload.js may put one there without loading the page.
    attributes["aria-describedby"] = " ".join([*described_by, f"{field.auto_id}_error"])
    return field.as_widget(attrs=attributes)
