"""A shelf on a Chroma server: one collection for each project of each installation of Rune.

It holds vectors, and as their ids hashes over what they stand for: no text, no name of a session, no path.
Texts and words come from the project's own files, whenever its documents are matched. The collection is
derived: whoever loses it loses seconds.

Covered: a server that is gone, refuses, is slow or is no Chroma (IndexUnavailable, within seconds), one that
started anew, with its data or without, a collection that somebody deleted, and rows that somebody added or
took away. Not covered: somebody who writes other vectors under the ids that are there; what a server keeps of
deleted rows in its files (vectors and ids, see docs/beyond-one-machine.md).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rune.errors import ConfigError, IndexUnavailable
from rune.index.folder import sweep
from rune.index.shelf import GRAPH
from rune.index.words import Document

if TYPE_CHECKING:
    from rune.index.rows import Rows, Vectors

PAGE = 1000
"""Vectors that are read at a time: some megabytes, and no server takes long for them."""
PORTS = {"http": 8000, "https": 443}
REFUSED = (401, 403, 407, 429)


@dataclass(frozen=True, slots=True)
class Address:
    """Of a Chroma server."""

    url: str
    host: str
    port: int
    ssl: bool


@dataclass(frozen=True, slots=True)
class Server:
    """A Chroma server as one installation of Rune uses it."""

    address: Address
    owner: str
    """Of this installation, random: no other one comes upon the same names."""
    seconds: float = 5.0
    """For a connection, and for each pause within an answer; meanwhile the worker answers nobody else."""

    def collection(self, project: str) -> str:
        """The name of a project's collection; it starts with what all of this installation start with."""
        digest = hashlib.sha256(f"{self.owner} {project}".encode()).hexdigest()
        return f"rune-{self.owner[:8]}-{digest[:32]}"

    def connect(self) -> Any:
        """A client whose requests end.

        Raises:
            IndexUnavailable: nobody answers there, or no Chroma.
        """
        import chromadb  # noqa: PLC0415 - half a second and 60 MB
        from chromadb.config import Settings  # noqa: PLC0415 - belongs to the line above
        from chromadb.errors import ChromaError  # noqa: PLC0415 - likewise

        where, settings = self.address, Settings(anonymized_telemetry=False)
        with self.reached():
            self._knock()  # the client itself waits forever, and its constructor asks the server
            try:
                client: Any = chromadb.HttpClient(where.host, where.port, where.ssl, settings=settings)
            except (ValueError, ChromaError) as error:
                raise self.away(str(error)) from error
        for session in sessions_of(client):
            session.timeout = self.seconds
            session.event_hooks = {"response": [self._refused]}
        return client

    @contextlib.contextmanager
    def reached(self) -> Iterator[None]:
        """Around requests: a server that does not answer is an IndexUnavailable."""
        import httpx  # noqa: PLC0415 - chromadb's; a process without a server needs none

        try:
            yield
        except httpx.TransportError as error:
            raise self.away(str(error) or type(error).__name__) from error

    def away(self, why: str) -> IndexUnavailable:
        """The error of a server that cannot be used now."""
        url = self.address.url
        return IndexUnavailable(
            f"the Chroma server {url} cannot be used ({why}): start it, or take index.url out of config.toml"
        )

    def _knock(self) -> None:
        import httpx  # noqa: PLC0415 - as above

        answer = httpx.get(f"{self.address.url}/api/v2/heartbeat", timeout=self.seconds)
        if answer.status_code != 200 or b"heartbeat" not in answer.content:
            raise self.away(f"expected a heartbeat, found status {answer.status_code}")

    def _refused(self, answer: Any) -> None:
        """Before chromadb makes a bare Exception of it."""
        named = "json" in answer.headers.get("content-type", "")
        if answer.status_code in REFUSED or answer.status_code >= 500 or (answer.is_error and not named):
            text = answer.read()[:200].decode("utf-8", "replace")
            raise self.away(f"status {answer.status_code}: {text}")


def sessions_of(client: Any) -> list[Any]:
    """What chromadb asks with, each an ``httpx.Client``: it has no setting for patience and closes none."""
    return [one._server._session for one in (client, client._admin_client)]


def disconnect(client: Any) -> None:
    """Let go of a client and its connections."""
    for session in sessions_of(client):
        session.close()
    client.close()


def address(url: str) -> Address:
    """The parts of ``index.url``.

    Raises:
        ConfigError: it is no address of a server.

    >>> address("http://chroma.lan")
    Address(url='http://chroma.lan:8000', host='chroma.lan', port=8000, ssl=False)
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    host, more = parts.hostname or "", parts.path.strip("/") or parts.query or parts.username
    if parts.scheme not in PORTS or not host or more:
        raise ConfigError(f"index.url: expected an address such as http://chroma.lan:8000, found {url!r}")
    literal = f"[{host}]" if ":" in host else host
    return Address(f"{parts.scheme}://{literal}:{port}", literal, port, parts.scheme == "https")


class Collection:
    """A ``Shelf`` on a server; a generation is named by the id that the server gave it."""

    way_out = "see its log; its collections that start with rune- may be deleted at any time"

    def __init__(self, server: Server, project: str, folder: Path) -> None:
        self._server = server
        self._name = server.collection(project)
        self._folder = folder
        """Where the stamp is, and what lay here before there was a server."""
        self._client: Any = None
        self._open: Any = None

    def __str__(self) -> str:
        return f"{self._name} on {self._server.address.url}"

    def whole(self, name: str) -> bool:
        """As ``Shelf.whole``."""
        self._open = self._found()
        return self._open is not None and str(self._open.id) == name

    def touched(self, count: int) -> bool:
        """As ``Shelf.touched``."""
        with self._server.reached():
            return bool(self._open.count() != count)

    def begin(self) -> str:
        """As ``Shelf.begin``."""
        self.drop()
        with self._server.reached():
            self._open = self._connected().create_collection(
                self._name, embedding_function=None, configuration={"hnsw": GRAPH}
            )
        return str(self._open.id)

    def open(self, name: str) -> None:
        """``whole`` has opened it already."""

    def load(self, wanted: Mapping[str, Document]) -> tuple[Rows, list[str]]:
        """As ``Shelf.load``."""
        from rune.index.rows import Rows, matrix  # noqa: PLC0415 - numpy

        rows, strange, offset = Rows(), list[str](), 0
        with self._server.reached():
            while (page := self._open.get(include=["embeddings"], limit=PAGE, offset=offset))["ids"]:
                keys, offset = page["ids"], offset + len(page["ids"])
                known = [place for place, key in enumerate(keys) if key in wanted]
                strange += [key for key in keys if key not in wanted]
                if known:
                    here = [keys[place] for place in known]
                    rows.add(here, [wanted[key] for key in here], matrix(page["embeddings"])[known])
        return rows, strange

    def write(self, keys: Sequence[str], documents: Sequence[Document], vectors: Vectors) -> None:
        """As ``Shelf.write``; the texts stay here."""
        with self._server.reached():
            self._open.upsert(list(keys), embeddings=vectors)

    def keep(self, stay: Rows, gone: Sequence[str]) -> str:
        """As ``Shelf.keep``."""
        with self._server.reached():
            for start in range(0, len(gone), PAGE):
                self._open.delete(ids=list(gone[start : start + PAGE]))
        return str(self._open.id)

    def drop(self) -> None:
        """Delete the collection, if it is there.

        Raises:
            IndexUnavailable: the server does not answer.
        """
        if self._found() is not None:
            with self._server.reached():
                self._connected().delete_collection(self._name)
        self._open = None

    def tidy(self, current: str | None = None) -> None:
        """As ``Shelf.tidy``: files of the time before the server, which nobody would forget in any more."""
        if current is not None:
            sweep(self._folder)

    def close(self) -> None:
        """As ``Shelf.close``."""
        if self._client is not None:
            disconnect(self._client)
        self._client = self._open = None

    def _connected(self) -> Any:
        self._client = self._client or self._server.connect()
        return self._client

    def _found(self) -> Any:
        """The collection of our name; None where there is none."""
        from chromadb.errors import NotFoundError  # noqa: PLC0415 - as above

        with self._server.reached():
            try:
                return self._connected().get_collection(self._name, embedding_function=None)
            except NotFoundError:
                return None
