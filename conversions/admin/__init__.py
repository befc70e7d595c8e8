"""The admin site's pages of what a team makes and uses. What they ask before they do it: `questions`."""

from django.contrib import admin

from conversions.admin.conversions import ConversionAdmin
from conversions.admin.endpoints import EndpointsAdmin
from conversions.admin.ledger import LedgerAdmin
from conversions.admin.people import PeopleAdmin
from conversions.admin.teams import TeamsAdmin
from conversions.models import Call, Conversion
from teams.models import Team, User
from voices.models import Endpoint

admin.site.register(Call, LedgerAdmin)
admin.site.register(Conversion, ConversionAdmin)
admin.site.register(Endpoint, EndpointsAdmin)
admin.site.register(Team, TeamsAdmin)
admin.site.register(User, PeopleAdmin)
