"""The completion of ``vtep-ofapp`` for bash, made from its flags and commands."""

from collections.abc import Iterable

from ..commands.registry import COMMANDS
from .flags import ASKING, INFORMING, OF_OS_KEN, OURS

_SCRIPT = """\
# Completion of vtep-ofapp for bash. Made from the code by python -m vtep_ofapp.cli.manual
_vtep_ofapp() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local commands="
{commands}
    "
    local flags="
{flags}
    "
    local words="$commands $flags" given
    for given in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case $given in
            run) words=$flags ;;
            *) [[ " "${{commands//[[:space:]]/ }}" " == *" $given "* ]] && words=--json ;;
        esac
    done
    COMPREPLY=()
    case $before in
        {files})
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        *)
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
    esac
}}
complete -F _vtep_ofapp vtep-ofapp
"""
_ACTIONS = ["run", "check-config", "replay"]
_WITH_FILE = ["check-config", "replay", "supportbundle"]


def bash() -> str:
    """Return the script that bash reads when it first completes the command."""
    flags = (*OF_OS_KEN, *OURS, *INFORMING, *ASKING)
    with_files = [*_WITH_FILE, *_names(flag.names for flag in flags if flag.value)]
    return _SCRIPT.format(
        commands=_lines([*_ACTIONS, *(command.name for command in COMMANDS)]),
        flags=_lines(_names(flag.names for flag in flags)),
        files="|".join(with_files),
    )


def _lines(words: Iterable[str]) -> str:
    return "\n".join(f"        {word}" for word in words)


def _names(groups: Iterable[tuple[str, ...]]) -> list[str]:
    return [name for names in groups for name in names]
