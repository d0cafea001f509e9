"""Which environment variables an argument may never set: those that steer the shell or the platform."""

import re

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PREFIXES = (
    "LD_",
    "DYLD_",
    "BASH",
    "WM_",
    "BASE_",
    "WINDLASS_",
    "LC_",
    "PYTHON",
    "GIT_",
    "UV_",
    "PIP_",
    "NODE_",
    "SSL_",
)
_NAMES = frozenset(
    """
    PATH HOME PWD OLDPWD SHELL USER LOGNAME TMPDIR TMP TEMP IFS ENV CDPATH GLOBIGNORE SHELLOPTS PROMPT_COMMAND
    PS0 PS1 PS2 PS3 PS4 LANG LANGUAGE TERM TZDIR UID EUID PPID GROUPS RANDOM SECONDS LINENO FUNCNAME DIRSTACK
    OPTARG OPTIND OPTERR POSIXLY_CORRECT EXECIGNORE FIGNORE FCEDIT EDITOR VISUAL PAGER PERL5OPT PERL5LIB
    PERLLIB RUBYOPT RUBYLIB JAVA_TOOL_OPTIONS HOSTALIASES LOCALDOMAIN RES_OPTIONS MALLOC_CHECK_
    MALLOC_PERTURB_ GCONV_PATH NLSPATH _ HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy
    all_proxy no_proxy
    """.split()
)


def is_reserved(name: str) -> bool:
    """Whether a name is no plain identifier, or belongs to the system."""
    return not _IDENTIFIER.fullmatch(name) or name in _NAMES or name.startswith(_PREFIXES)
