"""An os-ken application that makes Open vSwitch bridges VXLAN tunnel endpoints (VTEPs).

``osken-manager vtep_ofapp`` looks here for the application class, ``VtepApp``. It is imported when
it is first asked for (PEP 562): a command that asks a running application starts without os-ken
and eventlet.
"""

import warnings
from typing import TYPE_CHECKING, Any

from .version import VERSION as __version__

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")  # os-ken runs on it

if TYPE_CHECKING:
    from .app import VtepApp

__all__ = ["VtepApp", "__version__"]


def __getattr__(name: str) -> Any:
    if name != "VtepApp":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import app

    return getattr(app, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
