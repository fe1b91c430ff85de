"""Settings from file, environment and command line; whatever is wrong is named where it stands."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from config.load import ConfigError, load
from config.rate_limits import RateLimit
from config.settings import Config
from config.shape import check, describe
from homeserver.protocol.room_versions import DEFAULT_ROOM_VERSION, ROOM_VERSIONS


def read(text: str, tmp_path: Path, *settings: str, **environment: str) -> Config:
    file = tmp_path / "chatme.toml"
    file.write_text(text)
    return load(file, base=tmp_path, environment=environment, settings=settings)


def complaint(text: str, tmp_path: Path, *settings: str, **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text, tmp_path, *settings, **environment)
    return str(caught.value).replace(str(tmp_path) + "/", "")


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    text = '[server]\nname = "file.example"\nsigning_key = "file.key"\n[listeners.client]\nport = 1\n'
    config = read(
        text,
        tmp_path,
        "server.name=line.example",
        CHATME_SERVER__NAME="env.example",
        CHATME_LISTENERS__CLIENT__PORT="2",
        CHATME_DIR="not a setting",
    )
    assert config.server.name == "line.example"
    assert config.listeners.client.port == 2
    assert config.server.signing_key == str(tmp_path / "file.key")


def test_a_table_given_in_part_keeps_the_other_defaults(tmp_path: Path) -> None:
    config = read("[rate_limits]\nmessage = { burst = 5 }\n", tmp_path, "rate_limits.join.per_second=7")
    assert config.rate_limits.message == Config().rate_limits.message._replace(burst=5)
    assert config.rate_limits.join == RateLimit(7.0, Config().rate_limits.join.burst)
    assert isinstance(config.rate_limits.join.per_second, float)


@pytest.mark.parametrize(
    ("word", "addresses"),
    [("10.0.0.1,::1", ("10.0.0.1", "::1")), ("127.0.0.1", ("127.0.0.1",)), ('["::1", "127.0.0.2"]', ("::1", "127.0.0.2"))],
)
def test_a_list_may_be_given_as_toml_or_parted_by_commas(word: str, addresses: tuple[str, ...], tmp_path: Path) -> None:
    assert read("", tmp_path, CHATME_LISTENERS__CLIENT__BIND=word).listeners.client.bind == addresses
    assert read("", tmp_path, f"listeners.client.bind={word}").listeners.client.bind == addresses


def test_relative_paths_count_from_the_data_directory(tmp_path: Path) -> None:
    config = read('[server]\ndata_directory = "data"\n[listeners.federation]\ncertificate = "/a.pem"\n', tmp_path)
    assert config.server.data_directory == str(tmp_path / "data")
    assert config.server.signing_key == str(tmp_path / "data/signing.key")
    assert config.listeners.federation.certificate == "/a.pem"
    assert config.listeners.client.certificate == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\n\nnmae = 'x'\n", "chatme.toml, line 3: server.nmae is no setting; did you mean name?"),
        ("[servers]\nname = 'x'\n", "chatme.toml, line 1: servers is no setting; did you mean server?"),
        ("[server]\nname = 3\n", "chatme.toml, line 2: server.name must be text in quotes, not 3"),
        ("server.name = 'a b'\n", "chatme.toml, line 1: server.name must be a host name, with or without a port, not “a b”"),
        (
            '[server]\nname = "example.org\\n"\n',
            "chatme.toml, line 2: server.name must be a host name, with or without a port, not “example.org",
        ),
        ('[server_notices]\nlocalpart = "a\\n"\n', "chatme.toml, line 2: server_notices.localpart must be a user name"),
        ("[listeners.client]\nport = 'x'", "chatme.toml, line 2: listeners.client.port must be a whole number, not “x”"),
        ("[listeners.client]\nport = true", "chatme.toml, line 2: listeners.client.port must be a whole number, not true"),
        ("[listeners.client]\nport = 65536", "chatme.toml, line 2: listeners.client.port must be from 0 to 65535, not 65536"),
        ("[rate_limits]\nread = {\n 'burts' = 1 }", "chatme.toml: is no valid TOML: "),
        ("[rate_limits]\nread = { burts = 1 }", "chatme.toml, line 2: rate_limits.read.burts is no setting; did you mean burst?"),
        ("[rooms]\ndefault_version = '99'", "chatme.toml, line 2: rooms.default_version must be one of 1, 2, 3"),
        ("[registration]\nshared_secret = 99887766", "chatme.toml, line 2: registration.shared_secret must be text in quotes"),
        ("[[registration.terms]]\npolicy = 'p'\n", "chatme.toml, line 1: registration.terms.version is missing"),
        ("[listeners.client]\ncertificate = 'c.pem'", "chatme.toml, line 2: listeners.client.certificate and key belong together"),
        ("[listeners.client]\nbind = ['localhost']", "chatme.toml, line 2: listeners.client.bind must hold IP addresses, not “localhost”"),
        ("[server]\ntrusted_proxies = ['10.0.0.0/8', 'x']", "chatme.toml, line 2: server.trusted_proxies must hold addresses"),
        ("[support]\ncontacts = [{ role = 'm.role.admin' }]", "chatme.toml, line 2: support.contacts has a contact"),
        ("[support]\npage = '''\nport = 1\n'''\nprot = 3", "chatme.toml, line 5: support.prot is no setting"),
        ("[rate_limits]\nread = { burst = 0 }", "chatme.toml, line 2: rate_limits.read.burst must be at least 1, not 0"),
        ("[rate_limits]\nread.per_second = -1", "chatme.toml, line 2: rate_limits.read.per_second must be at least 0, not -1"),
        ("[assistant]\nenabled = true\nlocalpart = 'notices'", "chatme.toml, line 3: assistant.localpart is that of server_notices"),
        ("[server", "chatme.toml: is no valid TOML: "),
        ("[server]\nname = 'a.example:99999'", "chatme.toml, line 2: server.name has a port that there is not: 99999"),
        (
            '[server]\nsigning_key = "a\\u0000b"',
            "chatme.toml, line 2: server.signing_key must be text without control characters, not “a\\x00b”",
        ),
        ('[rooms]\nwho_may_create = "a\\nb"', "chatme.toml, line 2: rooms.who_may_create must be one of anyone, admins, not “a\\nb”"),
        (
            "[sessions]\nrefresh_token_seconds = 99999999999999999",
            "chatme.toml, line 2: sessions.refresh_token_seconds must be at most 9007199254740991",
        ),
        (
            "[federation]\ndenied_servers = ['https://a.example']",
            "chatme.toml, line 2: federation.denied_servers must be names of servers with",
        ),
        (
            "[federation]\nallowed_servers = ['*.example', 'a.example:8448']",
            "chatme.toml, line 2: federation.allowed_servers must be names of",
        ),
        ("[federation]\nnotaries = ['https://a.example']", "chatme.toml, line 2: federation.notaries must be names of servers, not"),
        ("[addresses]\ndomains = ['@a.example']", "chatme.toml, line 2: addresses.domains must be domains, like example.org, not"),
        ("[turn]\nuris = ['turn.example.org']", "chatme.toml, line 2: turn.uris must be addresses like turn:turn.example.org, not"),
        ("[assistant]\nother_bots = ['bot']", "chatme.toml, line 2: assistant.other_bots must be user IDs, not “bot”"),
        ("[assistant]\nrooms = ['#a:b']", "chatme.toml, line 2: assistant.rooms must be room IDs, not “#a:b”"),
        ("[media]\nquota_page = 'example.org'", "chatme.toml, line 2: media.quota_page must be an http(s) address, not"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    assert any(line.startswith(said) for line in complaint(text, tmp_path).splitlines()), complaint(text, tmp_path)


def test_a_mistake_elsewhere_is_named_by_its_source(tmp_path: Path) -> None:
    assert complaint("", tmp_path, "server.nmae=x") == "--set server.nmae: server.nmae is no setting; did you mean name?"
    assert complaint("", tmp_path, "server") == "--set server: must be of the form section.key=value"
    said = complaint("[listeners.client]\nport = 1\n", tmp_path, CHATME_LISTENERS__CLIENT__PORT="-1")
    assert said == "environment, CHATME_LISTENERS__CLIENT__PORT: listeners.client.port must be from 0 to 65535, not -1"


def test_a_setting_of_the_environment_with_one_underscore_too_few_is_not_passed_over(tmp_path: Path) -> None:
    said = complaint("", tmp_path, CHATME_SERVER_NAME="a.example", CHATME_MEDIA_S3_BUCKET="b", CHATME_DATA="/data")
    assert said.splitlines() == [
        "environment, CHATME_MEDIA_S3_BUCKET: is no setting; did you mean CHATME_MEDIA__S3__BUCKET?",
        "environment, CHATME_SERVER_NAME: is no setting; did you mean CHATME_SERVER__NAME?",
    ]


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    assert len(complaint("[server]\na = 1\nname = 2\n", tmp_path, "rooms.x=1").splitlines()) == 3


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml", base=tmp_path, environment={})


def test_secrets_show_nowhere(tmp_path: Path) -> None:
    config = read("[database]\nurl = 'postgresql://u:hunter2@h/n'\n[registration]\nshared_secret = 'hunter2'\n", tmp_path)
    assert "hunter2" not in repr(config)
    assert "hunter2" not in f"{config.registration.shared_secret} {config.database}"
    assert config.registration.shared_secret.reveal() == "hunter2"
    assert "hunter2" not in complaint("[database]\nurl = 'hunter2'\n[registration]\nshared_secret = ['hunter2']\n", tmp_path)


def test_the_room_versions_one_may_choose_are_those_there_are() -> None:
    schema = describe(Config)["properties"]["rooms"]["properties"]["default_version"]
    assert schema["enum"] == list(ROOM_VERSIONS)
    assert Config().rooms.default_version == DEFAULT_ROOM_VERSION.identifier


WRONG = [None, True, 3, -1, 2.5, "text", "", [], ["x"], [3], {}, {"x": 1}]


def test_our_check_agrees_with_the_json_schema_on_mutated_settings() -> None:
    schema = describe(Config)
    judge = Draft202012Validator({**schema, "properties": _without_required(schema["properties"])})
    judge.check_schema(schema)
    for section, described in schema["properties"].items():
        for name in [*described["properties"], "unknown"]:
            for value in WRONG:
                tree = {section: {name: value}}
                if value is not None:
                    assert (not list(check(tree, schema))) == judge.is_valid(tree), tree


def _without_required(properties: dict[str, object]) -> dict[str, object]:
    """Tables may be given in part, items of lists may not."""

    def strip(schema: object) -> object:
        if not isinstance(schema, dict):
            return schema
        return {key: value if key == "items" else strip(value) for key, value in schema.items() if key != "required"}

    return {key: strip(value) for key, value in properties.items()}
