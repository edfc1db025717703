"""Who is let in, as whom, and who is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from advisor.domain.identity import LOCAL_CALLER, Area, Permission
from advisor.errors import InvalidInputError
from tests.integrations.web.conftest import ELSEWHERE, Door, OpenDoor, bearer

HERE = ("127.0.0.1", 50_000)
PAGE = "https://intranet.example.com"


# The user of this machine


def test_the_user_of_this_machine_is_admin(open_door: OpenDoor) -> None:
    me = open_door(address=HERE, base="http://127.0.0.1:8000").get_me()
    assert (me.status_code, me.json()["permission"]) == (200, "admin")


@pytest.mark.parametrize(
    ("address", "base", "headers"),
    [
        (ELSEWHERE, "http://127.0.0.1:8000", {}),
        (HERE, "http://rebound.example.com", {}),
        (HERE, "http://127.0.0.1:8000", {"X-Forwarded-For": "203.0.113.9"}),
        (HERE, "http://127.0.0.1:8000", {"Forwarded": "for=203.0.113.9"}),
        (HERE, "http://127.0.0.1:8000", {"X-Forwarded-Email": "boss@example.com", "Via": "1.1 proxy"}),
    ],
)
def test_who_comes_from_elsewhere_is_not_the_local_user(
    open_door: OpenDoor, address: tuple[str, int], base: str, headers: dict[str, str]
) -> None:
    answer = open_door(address=address, base=base).get_me(**headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["remedy"]


@pytest.mark.parametrize("setting", [{"anonymous": True}, {"trusted_proxies": ("10.0.0.7",)}, {"local_access": False}])
def test_any_other_identity_switches_the_local_user_off(open_door: OpenDoor, setting: dict[str, Any]) -> None:
    me = open_door(address=HERE, base="http://127.0.0.1:8000", **setting).get_me()
    assert me.status_code == 401 or me.json()["permission"] == "reader"


# API keys


def test_a_key_opens_what_it_was_made_for_and_no_more(open_door: OpenDoor) -> None:
    door = open_door()
    key = door.make_key(areas=(Area.ASK,), groups=("board",))
    me = door.get_me(**bearer(key)).json()
    assert (me["permission"], me["groups"], me["areas"]) == ("reader", ["board"], ["ask"])
    refused = door.client.get("/api/v1/gates", headers=bearer(key))
    assert (refused.status_code, "area program" in refused.json()["detail"]) == (403, True)
    writing = {"changes": [{"kind": "site", "fields": {"name": "X", "type": "factory"}}]}
    reader = door.make_key()
    assert door.client.post("/api/v1/records", json=writing, headers=bearer(reader)).status_code == 403


def test_a_key_ends_when_it_expires_or_is_revoked(open_door: OpenDoor) -> None:
    door = open_door()
    key = door.make_key()
    assert door.get_me(**bearer(key)).status_code == 200
    door.keys.revoke(LOCAL_CALLER, door.keys.list_all()[0].id)
    assert door.get_me(**bearer(key)).status_code == 401
    late = door.make_key(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert door.get_me(**bearer(late)).status_code == 401


def test_only_a_digest_of_a_key_is_kept(open_door: OpenDoor, tmp_path: Any) -> None:
    key = open_door().make_key()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert key.encode() not in kept
    assert key.removeprefix("adv_").encode() not in kept


@pytest.mark.parametrize(
    "given",
    ["Bearer adv_made-up", "Bearer ", "Basic YWRtaW46YWRtaW4=", "adv_x", "Bearer " + "x" * 9_000, "Bearer a.b.c"],
)
def test_a_bad_credential_never_counts_as_none(open_door: OpenDoor, given: str) -> None:
    assert open_door(anonymous=True).get_me(Authorization=given).status_code == 401
    assert open_door(address=HERE, base="http://127.0.0.1").get_me(Authorization=given).status_code == 401


# Anonymous readers


def test_an_anonymous_reader_reads_what_everyone_may_and_nothing_is_kept_in_their_name(open_door: OpenDoor) -> None:
    door = open_door(anonymous=True)
    asked = door.client.post("/api/v1/ask", json={"question": "What is integration debt?"}).json()
    follow = {"question": "why?", "conversation_id": asked["conversation_id"]}
    assert door.client.post("/api/v1/ask", json=follow).status_code == 200
    assert door.client.get("/api/v1/conversations").json()["items"] == []
    assert door.client.delete(f"/api/v1/conversations/{asked['conversation_id']}").status_code == 403
    assert door.client.post("/api/v1/demo").status_code == 403


# Reverse proxies


def test_a_trusted_proxy_says_who_asks(open_door: OpenDoor) -> None:
    door = open_door(
        trusted_proxies=("192.0.2.0/24",),
        groups={"ai-office": {"permission": "approver", "labels": ["board"]}},
        people={"Eva@example.com": {"permission": "reader", "groups": ["aalen"]}},
    )
    eva = door.get_me(**{"X-Forwarded-Email": "eva@Example.com", "X-Forwarded-Groups": "staff, ai-office"}).json()
    assert (eva["id"], eva["permission"], eva["groups"]) == ("eva@example.com", "approver", ["aalen", "board"])
    other = door.get_me(**{"X-Forwarded-Email": "ben@example.com", "X-Forwarded-Groups": "board"}).json()
    assert (other["permission"], other["groups"]) == ("contributor", [])
    assert door.get_me().status_code == 401


def test_who_is_named_nowhere_gets_what_the_settings_say(open_door: OpenDoor) -> None:
    door = open_door(trusted_proxies=("192.0.2.7",), default_permission="reader")
    assert door.get_me(**{"X-Forwarded-Email": "ben@example.com"}).json()["permission"] == "reader"


def test_proxy_headers_from_anybody_else_are_nothing(open_door: OpenDoor) -> None:
    spoofed = {"X-Forwarded-Email": "eva@example.com", "X-Forwarded-Groups": "ai-office", "X-Forwarded-For": "10.0.0.7"}
    assert open_door(trusted_proxies=("10.0.0.7",)).get_me(**spoofed).status_code == 401
    me = open_door(trusted_proxies=("10.0.0.7",), anonymous=True).get_me(**spoofed).json()
    assert (me["id"], me["anonymous"], me["permission"]) == ("anonymous", True, "reader")


def test_a_proxy_that_names_two_people_is_refused(open_door: OpenDoor) -> None:
    door = open_door(trusted_proxies=("192.0.2.7",))
    twice = [("X-Forwarded-Email", "eva@example.com"), ("X-Forwarded-Email", "admin@example.com")]
    assert door.client.get("/api/v1/me", headers=twice).status_code == 401
    assert door.get_me(**{"X-Forwarded-Email": "eva@example.com,admin@example.com"}).status_code == 401


# Widget tokens


def widget_door(open_door: OpenDoor, **more: Any) -> Door:
    people = {"eva@example.com": {"permission": "admin", "groups": ["board"]}}
    return open_door(allowed_origins=(PAGE,), people=people, **more)


def make_token(door: Door, key: str, user: str = "Eva@example.com", origin: str = PAGE) -> Any:
    return door.client.post("/api/v1/widget-tokens", json={"user": user, "origin": origin}, headers=bearer(key))


@pytest.mark.owasp("ASVS V3", "ASVS V9")
def test_a_widget_token_stands_for_a_person_on_one_page(open_door: OpenDoor) -> None:
    door = widget_door(open_door)
    key = door.make_key(Permission.ADMIN, areas=(Area.TOKENS,))
    token = make_token(door, key).json()["token"]
    me = door.get_me(**bearer(token), Origin=PAGE).json()
    assert (me["id"], me["permission"], me["groups"], me["areas"]) == (
        "eva@example.com", "contributor", ["board"], ["ask", "program"],
    )  # fmt: skip
    for origin in ("https://evil.example.com", "http://intranet.example.com", "null", ""):
        headers = bearer(token) | ({"Origin": origin} if origin else {})
        assert door.get_me(**headers).status_code == 401


def test_a_widget_token_gives_no_more_than_its_key(open_door: OpenDoor) -> None:
    door = widget_door(open_door)
    token = make_token(door, door.make_key(areas=(Area.TOKENS,))).json()["token"]
    me = door.get_me(**bearer(token), Origin=PAGE).json()
    assert (me["permission"], me["groups"]) == ("reader", [])


@pytest.mark.owasp("ASVS V3", "ASVS V9")
def test_a_widget_token_dies_with_its_key(open_door: OpenDoor) -> None:
    door = widget_door(open_door)
    token = make_token(door, door.make_key(areas=(Area.TOKENS,))).json()["token"]
    door.keys.revoke(LOCAL_CALLER, door.keys.list_all()[0].id)
    assert door.get_me(**bearer(token), Origin=PAGE).status_code == 401


def test_widget_tokens_are_made_only_by_keys_for_listed_pages(open_door: OpenDoor) -> None:
    door = widget_door(open_door)
    key = door.make_key(areas=(Area.TOKENS,))
    assert make_token(door, key, origin="https://evil.example.com").status_code == 403
    assert make_token(door, door.make_key()).status_code == 403
    token = make_token(door, key).json()["token"]
    assert make_token(door, token).status_code in {401, 403}
    assert open_door(address=HERE, base="http://127.0.0.1").client.post(
        "/api/v1/widget-tokens", json={"user": "eva@example.com", "origin": PAGE}
    ).status_code == 403  # fmt: skip


@pytest.mark.owasp("ASVS V3", "ASVS V9")
def test_a_forged_or_old_widget_token_is_refused(open_door: OpenDoor) -> None:
    door = widget_door(open_door, token_secret="a" * 40)
    key = door.make_key(areas=(Area.TOKENS,))
    claims = jwt.decode(make_token(door, key).json()["token"], options={"verify_signature": False})
    head = {"typ": "advisor-widget+jwt"}
    assert door.get_me(**bearer(jwt.encode(claims, "a" * 40, headers=head)), Origin=PAGE).status_code == 200
    old = claims | {"exp": int(time.time()) - 60}
    for token in (
        jwt.encode(claims, "b" * 40, headers=head),
        jwt.encode(old, "a" * 40, headers=head),
        jwt.encode(claims | {"aud": "else"}, "a" * 40, headers=head),
        jwt.encode(claims, None, algorithm="none", headers=head),
    ):
        assert door.get_me(**bearer(token), Origin=PAGE).status_code == 401


# OpenID Connect


class Issuer:
    """A real identity provider's two documents on loopback, and its key."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps(issuer.documents.get(self.path, {})).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key())) | {"kid": "k1", "alg": "RS256"}
        self.documents = {
            "/.well-known/openid-configuration": {"jwks_uri": f"{self.url}/keys"},
            "/keys": {"keys": [public | {"use": "sig"}]},
        }
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def make(self, *, key: Any = None, algorithm: str = "RS256", kid: str = "k1", **claims: Any) -> str:
        now = int(time.time())
        usual = {
            "iss": self.url, "aud": "advisor", "sub": "1", "email": "Eva@example.com", "iat": now, "exp": now + 300,
            "groups": ["ai-office"],
        }  # fmt: skip
        return jwt.encode(usual | claims, key or self.key, algorithm=algorithm, headers={"kid": kid})

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.stop()


def oidc_door(open_door: OpenDoor, issuer: Issuer, **more: Any) -> Door:
    grants = {"ai-office": {"permission": "approver", "labels": ["board"]}}
    return open_door(oidc_issuer=issuer.url, oidc_audience="advisor", groups=grants, **more)


def test_an_oidc_token_says_who_asks(open_door: OpenDoor, issuer: Issuer) -> None:
    me = oidc_door(open_door, issuer).get_me(**bearer(issuer.make())).json()
    assert (me["id"], me["permission"], me["groups"]) == ("eva@example.com", "approver", ["board"])


@pytest.mark.owasp("ASVS V3", "ASVS V9")
def test_a_token_that_is_not_the_issuers_for_us_and_now_is_refused(open_door: OpenDoor, issuer: Issuer) -> None:
    door = oidc_door(open_door, issuer)
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    good = issuer.make()
    header, body, signature = good.split(".")
    changed = json.loads(base64.urlsafe_b64decode(body + "==")) | {"email": "admin@example.com"}
    forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
    public = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    confused = _sign_with_public_key(public, {"alg": "HS256", "kid": "k1"}, changed)
    none = _encode({"alg": "none", "kid": "k1"}) + "." + _encode(changed) + "."
    lasting = {"iss": issuer.url, "aud": "advisor", "email": "eva@example.com"}
    refused = {
        "expired": issuer.make(exp=int(time.time()) - 120),
        "not yet": issuer.make(nbf=int(time.time()) + 600),
        "without expiry": jwt.encode(lasting, issuer.key, "RS256", headers={"kid": "k1"}),
        "wrong audience": issuer.make(aud="else"),
        "wrong issuer": issuer.make(iss="https://evil.example.com"),
        "another key": issuer.make(key=stranger),
        "an unknown key id": issuer.make(key=stranger, kid="k2"),
        "another algorithm": issuer.make(algorithm="PS256"),
        "another kind of key": issuer.make(key=curve, algorithm="ES256"),
        "changed": f"{header}.{forged}.{signature}",
        "unsigned": none,
        "signed with the public key": confused,
        "no e-mail": issuer.make(email=None),
        "e-mail not verified": issuer.make(email_verified=False),
    }
    statuses = {name: door.get_me(**bearer(token)).status_code for name, token in refused.items()}
    assert statuses == dict.fromkeys(refused, 401)
    assert door.get_me(**bearer(good)).status_code == 200


def test_made_up_key_ids_do_not_storm_the_issuer(open_door: OpenDoor, issuer: Issuer) -> None:
    door = oidc_door(open_door, issuer, rate_limit="1000/minute")
    door.get_me(**bearer(issuer.make()))
    before = issuer.asked
    for number in range(20):
        door.get_me(**bearer(issuer.make(kid=f"made-up-{number}")))
    assert issuer.asked - before <= 1


def test_an_issuer_out_of_reach_is_said_so(open_door: OpenDoor, issuer: Issuer) -> None:
    token = issuer.make()
    door = oidc_door(open_door, issuer)
    issuer.stop()
    answer = door.get_me(**bearer(token))
    assert (answer.status_code, "identity provider" in answer.json()["detail"]) == (503, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_algorithms": ("HS256",)},
        {"oidc_algorithms": ("none",)},
        {"oidc_algorithms": ()},
        {"oidc_audience": ""},
        {"oidc_issuer": "http://login.example.com"},
        {"trusted_proxies": ("everyone",)},
        {"rate_limit": "often"},
    ],
)
def test_settings_that_would_let_in_the_wrong_ones_are_refused_at_the_start(
    open_door: OpenDoor, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError):
        open_door(**{"oidc_issuer": "https://login.example.com", "oidc_audience": "advisor"} | wrong)


def _encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _sign_with_public_key(public: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    signed = f"{_encode(header)}.{_encode(claims)}"
    mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
