"""Connections and errors."""

import os
import socket
import threading

import pytest


@pytest.fixture
def client(wmill):
    return wmill.Windmill()


def test_one_thread_keeps_one_connection(client, server):
    server.on("GET", "/version", text="CE v1.850.0")
    assert {client.version for _ in range(3)} == {"CE v1.850.0"}
    assert len({each.connection for each in server.seen}) == 1


def test_each_thread_has_its_own_connection(client, server):
    server.on("GET", "/version", text="v")
    client.get("/version")
    thread = threading.Thread(target=client.get, args=("/version",))
    thread.start()
    thread.join(timeout=10)
    assert len({each.connection for each in server.seen}) == 2


def test_a_forked_child_opens_its_own_connection(client, server):
    server.on("GET", "/version", text="v")
    client.get("/version")
    child = os.fork()
    if child == 0:
        os._exit(0 if client.get("/version").text == "v" else 1)
    assert os.waitpid(child, 0)[1] == 0
    client.get("/version")
    first, second, third = (each.connection for each in server.seen)
    assert first == third != second


def test_a_connection_the_server_closed_is_opened_again(client, server):
    server.on("POST", "x", 1)
    client.post("/w/demo/x", json={})
    client._transport._kept.connection.sock.shutdown(socket.SHUT_RDWR)
    client.post("/w/demo/x", json={})
    assert len({each.connection for each in server.seen}) == 2


def test_an_error_tells_status_method_path_and_the_servers_sentence(wmill, client, server):
    server.on("PUT", "thing", status=400, text="Bad request: name is taken")
    with pytest.raises(wmill.ApiError, match="Bad request: name is taken") as caught:
        client.put("/w/demo/thing", json={}, params={"a": True})
    error = caught.value
    assert (error.status, error.method, error.path) == (400, "PUT", "/w/demo/thing?a=true")


def test_an_error_can_be_looked_at_instead(client):
    response = client.get("/nothing", raise_for_status=False)
    assert (response.status_code, response.is_success) == (404, False)


def test_a_server_that_is_not_there_is_unreachable(wmill):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(wmill.Unreachable, match="127.0.0.1"):
            wmill.Windmill(url).get("/version")


def test_a_request_that_may_have_been_carried_out_is_not_sent_twice(wmill):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted = []
        thread = threading.Thread(target=hang_up_once, args=(listener, accepted), daemon=True)
        thread.start()
        with pytest.raises(wmill.Unreachable):
            wmill.Windmill(f"http://127.0.0.1:{listener.getsockname()[1]}").post("/x", json={})
        thread.join(timeout=10)
    assert len(accepted) == 1


def hang_up_once(listener, accepted):
    connection, address = listener.accept()
    accepted.append(address)
    connection.recv(1000)
    connection.close()


def test_paths_are_encoded_but_keep_their_slashes(client, server):
    client.get("/w/demo/variables/get/f/a b/ü", raise_for_status=False, params={"x": "1&2", "none": None})
    assert server.last.path == "variables/get/f/a%20b/%C3%BC"
    assert server.last.query == {"x": "1&2"}


def test_without_an_address_the_client_says_what_to_set(wmill, monkeypatch):
    monkeypatch.delenv("BASE_INTERNAL_URL")
    with pytest.raises(wmill.WindmillError, match="BASE_INTERNAL_URL"):
        wmill.Windmill()
