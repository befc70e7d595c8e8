"""Blocks of a page that stand in it more than once."""

from __future__ import annotations

from django import template
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.template.loader_tags import BlockNode
from django.utils.safestring import SafeString

register = template.Library()


class AgainNode(template.Node):
    def __init__(self, name: str) -> None:
        self.name = name

    def render(self, context: Context) -> SafeString:
        return BlockNode(self.name, NodeList()).render(context)


@register.tag
def again(_parser: Parser, token: Token) -> AgainNode:
    """`{% again title %}`: what the page says in the block of that name, once more."""
    _tag, name = token.split_contents()
    return AgainNode(name)
