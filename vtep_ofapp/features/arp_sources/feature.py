"""Arp_Sources_Remote and Arp_Sources_Local: the VTEPs that route as we do."""

from ...engine.feature import Feature
from ...engine.topics import SwitchReplaced
from . import serving
from .rows import ArpSources, SourcesAt
from .serving import Serving

FEATURE = Feature(
    indices=(ArpSources,),
    states=(lambda view: Serving(),),
    invalidated_by={SourcesAt: serving.note, SwitchReplaced: serving.note},
)
