// Where single keys are letters of what somebody writes, and no shortcuts.

const FIELDS = "input:not([type=radio], [type=checkbox], [type=range]), select, textarea, [contenteditable]";

export const isTyping = (target) => Boolean(target.closest(FIELDS));
