"""One conversation with a mail server. Imported with the first letter alone."""

from typing import Any, BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.mail.smtp import ESMTPSender, ESMTPSenderFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure

CONNECT_SECONDS = 10


class PlainTextAfterTls(Exception):
    """Somebody between us and the mail server put words into its mouth before the connection was encrypted."""


class _Sender(ESMTPSender):
    """Tells its factory of a lost connection, which an endpoint does not, and encrypts connections of a reactor that cannot do so by itself."""

    def esmtpState_starttls(self, code: int, resp: bytes) -> None:
        if self.clearLineBuffer():  # type: ignore[no-untyped-call]
            self.sendError(PlainTextAfterTls())  # type: ignore[no-untyped-call]
            return
        plain: Any = self.transport
        layer = TLSMemoryBIOProtocol(TLSMemoryBIOFactory(self.context, True, None), self, False)  # type: ignore[arg-type]  # no factory of the inner one
        plain.protocol = layer
        layer.makeConnection(plain)
        self.transport = layer
        self._tlsMode = True
        self.esmtpState_ehlo(code, resp)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self.factory.clientConnectionLost(None, reason)


class _Factory(ESMTPSenderFactory):
    protocol = _Sender
    noisy = False


class Session:
    def __init__(self, reactor: Any, *, host: str, port: int, tls: str, authority: bytes | None, user: str, password: str) -> None:
        self._reactor = reactor
        self._host = host
        self._port = port
        self._tls = tls
        self._authority = authority
        self._user = user
        self._password = password
        self._transport: ITransport | None = None

    async def deliver(self, sender: str, recipient: str, message: BinaryIO) -> None:
        """Raises whatever went wrong."""
        done: Deferred[object] = Deferred()
        options: Any = self._options() if self._tls != "none" else None
        factory = _Factory(  # type: ignore[no-untyped-call]
            self._user.encode() or None,
            self._password.encode(),
            sender,
            recipient,
            message,
            done,
            retries=0,
            contextFactory=options if self._tls == "starttls" else None,
            requireAuthentication=bool(self._user),
            requireTransportSecurity=self._tls == "starttls",
        )
        endpoint: Any = HostnameEndpoint(self._reactor, self._host.encode("idna"), self._port, timeout=CONNECT_SECONDS)
        if self._tls == "tls":
            endpoint = wrapClientTLS(options, endpoint)
        protocol = await endpoint.connect(factory)
        self._transport = protocol.transport
        await done

    def end(self) -> None:
        """Whatever is still open."""
        if self._transport is not None:
            self._transport.loseConnection()

    def _options(self) -> Any:
        trusted = {} if self._authority is None else {"trustRoot": trustRootFromCertificates([Certificate.loadPEM(self._authority)])}
        return optionsForClientTLS(self._host, **trusted)
