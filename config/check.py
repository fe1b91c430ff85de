"""Settings that are right one by one and wrong together."""

import ipaddress
import re
from collections.abc import Iterator

from config.listeners import Listener
from config.media import Media
from config.settings import Config
from config.shape import Problem

LARGEST_OBJECT = 5 * 2**30  # what an S3-compatible store copies at once


def contradictions(config: Config) -> Iterator[Problem]:
    for name in ("client", "federation", "metrics"):
        yield from _listener(("listeners", name), getattr(config.listeners, name))
    if not any(listener.enabled for listener in (config.listeners.client, config.listeners.federation)):
        yield Problem(("listeners", "client", "enabled"), "is off and so is the federation listener: nobody could reach this server")
    for name in ("name", "federation_address"):
        if (port := re.search(r":([0-9]+)$", getattr(config.server, name))) and not 0 < int(port[1]) < 65536:
            yield Problem(("server", name), f"has a port that there is not: {port[1]}")
    for network in config.server.trusted_proxies:
        if not _is_network(network):
            yield Problem(("server", "trusted_proxies"), f"must hold addresses or networks, not “{network}”")
    for name in ("allowed_addresses", "denied_addresses"):
        for network in getattr(config.federation, name):
            if not _is_network(network):
                yield Problem(("federation", name), f"must hold addresses or networks, not “{network}”")
    for key in config.federation.denied_keys:
        if not re.fullmatch(r"[A-Za-z0-9+/_-]{43}=?", key):
            yield Problem(("federation", "denied_keys"), f"must hold public keys in base64, not “{key}”")
    if config.passwords.minimum_length > config.passwords.maximum_length:
        yield Problem(("passwords", "minimum_length"), "is above passwords.maximum_length")
    yield from _media(config.media)
    documents = [(terms.policy, terms.language) for terms in config.registration.terms]
    if len(set(documents)) < len(documents):
        yield Problem(("registration", "terms"), "has the same policy twice in one language")
    yield from _mail(config)
    yield from _assistant(config)
    for contact in config.support.contacts:
        if not contact.matrix_id and not contact.email_address:
            yield Problem(("support", "contacts"), f"has a contact ({contact.role}) with neither matrix_id nor email_address")


def _mail(config: Config) -> Iterator[Problem]:
    mail = config.mail
    if not mail.host:
        if config.registration.email != "none":
            yield Problem(("registration", "email"), "needs a mail server: give mail.host")
        return
    if not mail.sender:
        yield Problem(("mail", "sender"), "is missing: whom shall the letters come from?")
    if not config.server.public_base_url:
        yield Problem(("server", "public_base_url"), "is needed for the links in letters")
    if bool(mail.user) != bool(mail.password):
        yield Problem(("mail", "user"), "and password belong together: give both or none")
    if mail.user and mail.tls == "none":
        yield Problem(("mail", "tls"), "is none: the password would travel for all to read")


def _assistant(config: Config) -> Iterator[Problem]:
    assistant, model = config.assistant, config.assistant.model
    listeners = (config.listeners.client, config.listeners.federation)
    if assistant.enabled and not any(listener.enabled and "client" in listener.serves for listener in listeners):
        yield Problem(("assistant", "enabled"), "needs a listener that serves clients")
    if assistant.enabled and assistant.localpart == config.server_notices.localpart:
        yield Problem(("assistant", "localpart"), "is that of server_notices: each needs an account of its own")
    if bool(model.base_url) != bool(model.name):
        yield Problem(("assistant", "model", "name"), "and base_url belong together: give both or none")
    if sum(map(bool, (model.api_key, model.api_key_file, model.api_key_variable))) > 1:
        yield Problem(("assistant", "model", "api_key"), "is given twice: api_key, api_key_file or api_key_variable")


def _media(media: Media) -> Iterator[Problem]:
    if bool(media.s3.access_key) != bool(media.s3.secret_key):
        yield Problem(("media", "s3", "access_key"), "and secret_key belong together: give both or none")
    if media.s3.bucket and media.max_upload_bytes > LARGEST_OBJECT:
        yield Problem(("media", "max_upload_bytes"), f"must be at most {LARGEST_OBJECT} where files lie in a bucket")


def _listener(path: tuple[str, ...], listener: Listener) -> Iterator[Problem]:
    if not listener.enabled:
        return
    if bool(listener.certificate) != bool(listener.key):
        yield Problem((*path, "certificate"), "and key belong together: give both or none")
    if not listener.bind:
        yield Problem((*path, "bind"), "names no address to listen on")
    if not listener.serves:
        yield Problem((*path, "serves"), "is empty: there would be nothing to answer")
    for address in listener.bind:
        if not _is_network(address) or "/" in address:
            yield Problem((*path, "bind"), f"must hold IP addresses, not “{address}”")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
