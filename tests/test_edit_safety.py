"""Who may talk to the editor's server: each who may not is refused, and nothing else happens."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from editing import TEXT, Editing, eventually

from hrnet_graph.editor.guard import Guard, Request
from hrnet_graph.editor.limits import MAX_MESSAGE, MAX_SOCKETS

from websockets.exceptions import ConnectionClosed, InvalidStatus  # isort: skip


@pytest.fixture(scope="module")
def editing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editing]:
    path = tmp_path_factory.mktemp("safety") / "mine.yaml"
    path.write_text(TEXT)
    (path.parent / "secret.txt").write_text("secret")
    with Editing(path, "--keep") as editing:
        yield editing
        assert path.read_text() == TEXT
        code, said = editing.end()
    assert (code, said) == (0, "ended: Ctrl-C\n")


def refused(editing: Editing, **headers: str) -> int:
    """The status that a socket is refused with."""
    with pytest.raises(InvalidStatus) as error, editing.page(**headers):
        pass
    return error.value.response.status_code


def test_the_token_becomes_a_cookie_of_this_folder_alone(editing: Editing) -> None:
    status, headers, body = editing.get(f"{editing.folder}?{editing.token}")
    assert (status, headers["Location"], body) == (303, editing.folder, "")
    cookie = f"hrnet-graph={editing.token}; Path={editing.folder}; HttpOnly; SameSite=Strict"
    assert headers["Set-Cookie"] == cookie
    assert editing.token not in editing.folder
    status, headers, body = editing.get(editing.folder, {"Cookie": editing.cookie})
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<script" in body
    assert editing.token not in body


def test_a_page_that_another_site_leads_to_loads_again_and_has_the_cookie_then(
    editing: Editing,
) -> None:
    target, site = f"{editing.folder}?{editing.token}", {"Sec-Fetch-Site": "cross-site"}
    status, headers, _ = editing.get(target, site)
    assert (status, headers["Refresh"]) == (200, f"0; url={editing.folder}")


def test_browsers_are_told_to_refuse_what_is_not_the_pages_own(editing: Editing) -> None:
    for target in (editing.folder, "/", f"{editing.folder}?wrong"):
        _, headers, _ = editing.get(target, {"Cookie": editing.cookie})
        policy = dict(
            part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
        )
        assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("cookie", ["", "hrnet-graph=", "hrnet-graph=wrong", "other", "é", ";;=\t"])
def test_a_wrong_token_is_refused(editing: Editing, cookie: str) -> None:
    for name in ("", "index.html", "socket", "nothing"):
        status, headers, body = editing.get(editing.folder + name, {"Cookie": cookie})
        assert status == 403
        assert "Set-Cookie" not in headers
        assert editing.token not in body
    assert refused(editing, Cookie=cookie.strip("\té;")) == 403


def test_cookies_of_other_servers_do_no_harm(editing: Editing) -> None:
    for others in ('a[b]={"c": 1}; {}', "x=é; {}; y", "=; ;;{}", "hrnet-graph-x=1; {}"):
        given = {"Cookie": others.replace("{}", editing.cookie)}
        assert editing.get(editing.folder, given)[0] == 200


def test_a_wrong_token_in_the_address_is_refused(editing: Editing) -> None:
    for query in ("wrong", "", editing.token[:-1], f"{editing.token}x", f"token={editing.token}"):
        status, headers, _ = editing.get(f"{editing.folder}?{query}", {"Cookie": editing.cookie})
        assert (status, headers.get("Set-Cookie")) == (403, None)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1:x", "a b"]
)
def test_a_foreign_host_is_refused(editing: Editing, host: str) -> None:
    given = {"Host": host, "Cookie": editing.cookie}
    assert editing.get(editing.folder, given)[0] == 403
    assert editing.get(f"{editing.folder}?{editing.token}", given)[0] == 403


def test_this_machine_has_several_names_and_ports_may_be_forwarded(editing: Editing) -> None:
    for host in ("localhost:9", "127.0.0.1", "[::1]:80", "LOCALHOST"):
        assert editing.get(editing.folder, {"Host": host, "Cookie": editing.cookie})[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://{}", ""]
)
def test_a_socket_of_another_origin_is_refused(editing: Editing, origin: str) -> None:
    assert refused(editing, Origin=origin.format(editing.host)) == 403


def test_a_request_of_another_origin_is_refused(editing: Editing) -> None:
    given = {"Cookie": editing.cookie, "Origin": "http://localhost:8888"}
    assert editing.get(editing.folder, given)[0] == 403


@pytest.mark.parametrize(
    "name",
    ["../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "/etc/passwd", "\\secret.txt", "assets/",
     "index.html/", "./index.html", "mine.yaml", "secret.txt", "__init__.py", "../session.py", "."],
)  # fmt: skip
def test_no_path_leads_to_another_file(editing: Editing, name: str) -> None:
    for target in (editing.folder + name, f"/{name}", f"{editing.folder}x/../{name}"):
        status, _, body = editing.get(target, {"Cookie": editing.cookie})
        assert (status, body) == (404, "hrnet-graph: there is nothing here\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get"])
def test_nothing_but_get_is_answered(editing: Editing, method: str) -> None:
    status, _, _ = editing.get(editing.folder, {"Cookie": editing.cookie}, method)
    assert status == 405


def test_garbage_gets_no_traceback(editing: Editing) -> None:
    host, _, port = editing.host.partition(":")
    for garbage in (
        b"\x00" * 5000,
        b"GET\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n",
        b"x" * 100_000,
        b"\x16\x03\x01\x02",
    ):
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            raw.settimeout(1)
            raw.sendall(garbage)
            raw.shutdown(socket.SHUT_WR)
            try:
                said = raw.recv(4096)
            except OSError:
                said = b""
        assert b"Traceback" not in said
        assert said[:13] in (
            b"",
            b"HTTP/1.1 400 ",
            b"HTTP/1.1 414 ",
            b"HTTP/1.1 431 ",
            b"HTTP/1.1 500 ",
        )
    with editing.page() as page:
        assert page.ask(do="open")["name"] == "mine.yaml"


def test_a_header_that_comes_twice_is_none(editing: Editing) -> None:
    host, _, port = editing.host.partition(":")
    lines = f"GET {editing.folder} HTTP/1.1\r\nHost: {editing.host}\r\nHost: evil.example\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(f"{lines}Cookie: {editing.cookie}\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("message", ["", "{", "[]", "1", "null", '"a"', "{}", '{"id": "x"}', "[" * 90_000,
    '{"id": 1' + "0" * 9000 + "}"])  # fmt: skip
def test_what_is_no_request_gets_one_sentence(editing: Editing, message: str) -> None:
    with editing.page() as page:
        page.socket.send(message)
        reply = json.loads(page.socket.recv(10))
        assert reply["id"] is None
        assert reply["error"].startswith("expected a request")
        assert page.ask(do="open")["text"] == TEXT


def test_an_unknown_request_gets_one_sentence(editing: Editing) -> None:
    with editing.page() as page:
        for do in ("shell", "", None, 5, ["open"], {"a": 1}):
            assert page.ask(do=do)["error"].count("\n") <= 1


def test_a_message_that_is_too_long_closes_its_page_alone(editing: Editing) -> None:
    with editing.page() as other, editing.page() as page:
        text = "#" * (MAX_MESSAGE - 100)
        assert page.check(text)["id"] == 1
        with pytest.raises(ConnectionClosed) as error:
            page.check("#" * MAX_MESSAGE)
        assert error.value.rcvd is not None
        assert error.value.rcvd.code == 1009
        assert other.ask(do="open")["text"] == TEXT


def test_bytes_close_their_page_alone(editing: Editing) -> None:
    with editing.page() as page:
        page.socket.send(b"\x00\xff" * 100)
        with pytest.raises(ConnectionClosed) as error:
            page.socket.recv(10)
        assert error.value.rcvd is not None
        assert (error.value.rcvd.code, error.value.rcvd.reason) == (1003, "expected text")
    with editing.page() as page:
        assert page.ask(do="open")["text"] == TEXT


def test_a_page_names_no_path(editing: Editing) -> None:
    with editing.page() as page:
        reply = page.ask(do="check", text="widht: 3\n", path="/etc/passwd", view="figure")
        assert "/etc/passwd" not in json.dumps(reply)


def test_only_so_many_pages_may_be_open(editing: Editing) -> None:
    with ExitStack() as stack:
        pages = [stack.enter_context(editing.page()) for _ in range(MAX_SOCKETS)]
        assert refused(editing) == 503
        assert pages[-1].ask(do="open")["text"] == TEXT

    def opens() -> bool:
        with editing.page() as page:
            return bool(page.ask(do="open"))

    assert eventually(opens)


@pytest.mark.parametrize("upgrade", ["Connection: Upgrade\r\nUpgrade: websocket\r\n", ""])
def test_who_asks_for_a_socket_and_opens_none_is_no_page(editing: Editing, upgrade: str) -> None:
    host, _, port = editing.host.partition(":")
    head = f"GET {editing.folder}socket HTTP/1.1\r\nHost: {editing.host}\r\n"
    whose = f"Origin: http://{editing.host}\r\nCookie: {editing.cookie}\r\n"
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    for _ in range(2 * MAX_SOCKETS):
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            gone = struct.pack("ii", 1, 0)  # at once, and without a word
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, gone)
            raw.sendall((head + whose + upgrade + key).encode())
            if not upgrade:
                assert raw.recv(4096).startswith(b"HTTP/1.1 426 ")
    with editing.page() as page:
        assert page.ask(do="open")["name"] == "mine.yaml"


def test_a_ticket_is_for_one_use() -> None:
    guard = Guard({"index.html": b""}, "127.0.0.1")
    ticket = guard.ticket()
    request = Request("GET", guard.path(ticket), {"host": "localhost"})
    first, second = guard.reply(request, 1), guard.reply(request, 1)
    assert first is not None
    assert second is not None
    assert (first.status, second.status) == (303, 403)
    assert guard.token in first.headers["Set-Cookie"]
    assert ticket not in first.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [("192.168.0.7:80", True), ("[fe80::1]:80", True), ("localhost", True), (socket.gethostname(), True),
     ("evil.example", False), ("999.1.1.1", False)],
)  # fmt: skip
def test_an_open_server_goes_by_numbers_and_its_own_name(host: str, is_ours: bool) -> None:
    guard = Guard({"index.html": b""}, "0.0.0.0")
    cookie = {"host": host, "cookie": f"hrnet-graph={guard.token}"}
    reply = guard.reply(Request("GET", guard.folder, cookie), 1)
    assert reply is not None
    assert (reply.status == 200) is is_ours


@pytest.mark.parametrize(
    ("address", "host"),
    [("127.0.0.2", "127.0.0.2:9"), ("::1", "[::1]:9"), ("localhost", "127.0.0.1")],
)
def test_an_address_of_this_machine_is_its_own_name(address: str, host: str) -> None:
    guard = Guard({"index.html": b""}, address)
    cookie = f"hrnet-graph={guard.token}"
    for name, status in ((host, 200), ("10.0.0.1", 403), (socket.gethostname(), 403)):
        reply = guard.reply(Request("GET", guard.folder, {"host": name, "cookie": cookie}), 1)
        assert reply is not None
        assert reply.status == status


def test_another_address_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    with Editing(path, "--host", "0.0.0.0") as editing:
        code, said = editing.end()
    assert code == 0
    assert said.startswith("warning: whoever can reach '0.0.0.0' and learns the address")
