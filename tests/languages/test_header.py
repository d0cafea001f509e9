"""What a script asks for in the comments above its first line of code, in languages with either kind of comment."""

import pytest

from windlass.languages import registry
from windlass.languages.base import Network
from windlass.languages.shared.header import asks_for_cold, network_of, timeout_seconds


@pytest.fixture(params=["#", "//"])
def comment(request):
    return request.param


@pytest.mark.parametrize("network", list(Network))
def test_a_script_chooses_its_network(comment, network):
    assert network_of(f"{comment} windlass: network={network.value}\ncode", comment) is network


@pytest.mark.parametrize(
    "text", ["", "{c} windlass: network=all", "{c} network=none", "code\n{c} windlass: network=none"]
)
def test_a_script_that_chooses_nothing_known_has_all_of_the_network(comment, text):
    assert network_of(text.replace("{c}", comment), comment) is Network.OPEN


def test_flags_stand_on_lines_of_their_own_and_may_be_several(comment):
    code = f"\n{comment} windlass: cold\n\n{comment}windlass:network=none  \ncode"
    assert asks_for_cold(code, comment)
    assert network_of(code, comment) is Network.NONE
    assert not asks_for_cold(f"{comment} windlass: cold network=none", comment)


def test_a_comment_of_another_language_is_code():
    assert not asks_for_cold("// windlass: cold", "#")
    assert not asks_for_cold("# windlass: cold", "//")


def test_the_timeout_ends_with_the_comment(comment):
    assert timeout_seconds(f"{comment} extra_perms:\n{comment}   timeout: 120", comment) == 120
    assert timeout_seconds(f"{comment} extra_perms:\ncode\n{comment}   timeout: 120", comment) is None


@pytest.mark.parametrize("name", ["bash", "bun", "deno"])
def test_a_command_has_the_network_that_its_script_asks_for(tools, tmp_path, name):
    language = registry.get(name)
    code = f"{language.comment} windlass: network=none\n"
    assert language.prepare(tmp_path, code, "", b"{}", "main", None, tools).network is Network.NONE
