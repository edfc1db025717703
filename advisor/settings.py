"""Settings, read once from ADVISOR_* variables and a .env file. Only bootstrap and the doors read them."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from advisor.domain.identity import Grant, Permission, Person
from advisor.domain.knowledge import Collection
from advisor.errors import InvalidInputError

_PACKAGE = Path(__file__).resolve().parent
BUNDLED_MODEL = _PACKAGE / "_bundled" / "models" / "all-MiniLM-L6-v2"
"""Where an image keeps the exported embedding model, so that it can do without torch."""


def _find_knowledge_base() -> Path:
    """Return the checkout's playbooks, or the copy that an installed package carries."""
    checkout = _PACKAGE.parent / "knowledge_base"
    return checkout if checkout.is_dir() else _PACKAGE / "_bundled" / "knowledge_base"


def _find_prompts() -> Path:
    """Return the checkout's prompts, or the copy that an installed package carries."""
    checkout = _PACKAGE.parent / "prompts"
    return checkout if checkout.is_dir() else _PACKAGE / "_bundled" / "prompts"


class ChannelRule(StrEnum):
    """How the advisor behaves in a Slack channel."""

    OPEN = "open"
    PRIVATE_FIRST = "private_first"
    OFF = "off"


class Settings(BaseSettings):
    """Everything that can be set, one sentence each.

    Addresses are left out of what is printed of the settings (`repr=False`): people put passwords into them.
    """

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(default=Path(".advisor"), description="Folder for index, model and database.")
    knowledge_base_dir: Path = Field(
        default_factory=_find_knowledge_base, description="Folder of the playbooks to answer from."
    )
    collections: tuple[Collection, ...] = Field(
        default=(),
        description="Folders of the company's documents, as JSON: "
        '[{"name": "policies", "path": "/share/policies", "label": "board", "tier": "reviewed"}].',
    )
    embedding_model: str = Field(
        default="",
        description="Name or folder of another sentence-transformers model; empty means the built-in one.",
    )
    database_url: str = Field(
        default="", repr=False, description="SQLAlchemy URL of the database; empty means SQLite in the data directory."
    )
    reviewed_only: bool = Field(
        default=False,
        description="Whether answers rest on reviewed playbooks, and documents of the tier reviewed, alone.",
    )
    reranker: str = Field(
        default="",
        description="Name or folder of a cross-encoder that reorders what was found; empty means none.",
    )
    prompts_dir: Path = Field(default_factory=_find_prompts, description="Folder of the prompts for the chat model.")
    chat_model: str = Field(
        default="",
        description="Chat model that words answers, as provider:name; empty means that answers are quoted.",
    )
    chat_base_url: str = Field(
        default="", repr=False, description="Address of a server that speaks the chat model's protocol."
    )
    chat_daily_tokens: int = Field(
        default=0, ge=0, description="Tokens that the chat model may use in a day (UTC); 0 means any number."
    )
    conversation_days: int = Field(
        default=0,
        ge=0,
        description="Days that a conversation is kept after its last turn; 0 means for good.",
    )
    chroma_url: str = Field(
        default="",
        repr=False,
        description="Address of a Chroma server for the vectors; empty means files in the data directory.",
    )
    chroma_token: SecretStr = Field(
        default=SecretStr(""), description="Sent to the Chroma server as a bearer token, for the proxy in front of it."
    )
    thresholds: dict[str, float] = Field(
        default_factory=dict,
        description='Your own figures for the criteria, as JSON: {"shadow_days": 42}.',
    )
    evals_report: Path = Field(
        default=_PACKAGE.parent / "evals" / "out" / "report.json",
        description="Report of the evals that the admin page shows.",
    )
    host: str = Field(default="127.0.0.1", description="Address that `advisor serve` listens on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port that `advisor serve` listens on.")
    people: dict[str, Person] = Field(
        default_factory=dict,
        description='What people may do and see, by e-mail, as JSON: {"anna@example.com": {"groups": ["board"]}}.',
    )
    groups: dict[str, Grant] = Field(
        default_factory=dict,
        description="What groups of the identity provider give, as JSON: "
        '{"ai-office": {"permission": "approver", "labels": ["board"]}}.',
    )
    default_permission: Permission = Field(
        default=Permission.CONTRIBUTOR, description="What people of the company may do whom nothing names."
    )
    local_access: bool = Field(
        default=True,
        description="Whether browsers and programs on this machine act as its user, while no other identity is set.",
    )
    anonymous: bool = Field(
        default=False, description="Whether callers without credentials may read what everyone may read."
    )
    mcp_key: SecretStr = Field(
        default=SecretStr(""),
        description="API key in whose name `advisor mcp` asks; empty means as the user of this machine.",
    )
    oidc_issuer: str = Field(default="", description="Issuer of OIDC tokens that are accepted.")
    oidc_audience: str = Field(default="", description="Audience that OIDC tokens must be made for.")
    oidc_jwks_url: str = Field(
        default="",
        repr=False,
        description="Where the issuer's keys are; empty means where its discovery document says.",
    )
    oidc_algorithms: tuple[str, ...] = Field(
        default=("RS256", "ES256"), description="Signature algorithms that are accepted, as a JSON list."
    )
    oidc_user_claim: str = Field(default="email", description="Claim that holds who someone is.")
    oidc_groups_claim: str = Field(default="groups", description="Claim that lists someone's groups.")
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description='Addresses or networks of reverse proxies that say who asks, as a JSON list: ["10.0.0.7"].',
    )
    proxy_user_header: str = Field(
        default="X-Forwarded-Email", description="Header in which a trusted proxy names the person."
    )
    proxy_groups_header: str = Field(
        default="X-Forwarded-Groups", description="Header in which a trusted proxy lists the person's groups."
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(),
        description='Pages that may call the advisor from a browser, as a JSON list: ["https://intranet.example.com"].',
    )
    token_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Signs widget tokens; the same on every replica; empty means a file in the data directory.",
    )
    rate_limit: str = Field(default="120/minute", description="Requests that one caller may make.")
    redis_url: str = Field(
        default="",
        repr=False,
        description="Redis that counts requests for all replicas; empty means each process counts its own.",
    )
    max_asks: int = Field(
        default=100, ge=1, description="Questions answered at once by a process; more are turned away with 503."
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes of `advisor serve`.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What is logged to standard error: JSON, or plain lines on a terminal."
    )
    slack_bot_token: SecretStr = Field(default=SecretStr(""), description="Slack's bot token, xoxb-...")
    slack_app_token: SecretStr = Field(default=SecretStr(""), description="Slack's app token for Socket Mode, xapp-...")
    slack_signing_secret: SecretStr = Field(default=SecretStr(""), description="Slack's signing secret, for HTTP.")
    slack_transport: Literal["socket", "http"] = Field(
        default="socket",
        description="How Slack reaches the advisor: socket, which needs no inbound network, or http.",
    )
    slack_api_url: str = Field(default="https://slack.com/api/", description="Where Slack's Web API is.")
    slack_help_channel: str = Field(default="", description="Id of the channel where questions to a human go.")
    slack_digest_channel: str = Field(default="", description="Id of the channel that gets the weekly gap digest.")
    slack_weekly: str = Field(default="mon 09:00", description="When check-in requests and the digest go out, UTC.")
    slack_channels: dict[str, ChannelRule] = Field(
        default_factory=dict,
        description='Channels by id that differ from open: {"C012": "private_first", "C034": "off"}.',
    )
    slack_guests: bool = Field(default=False, description="Whether guests of the workspace get answers.")
    slack_shared_channels: bool = Field(
        default=False, description="Whether channels shared with other companies get answers."
    )
    slack_streaming: bool = Field(default=True, description="Whether answers in direct messages are streamed.")

    @property
    def model_dir(self) -> Path:
        """Where the exported embedding model lives: in an image that carries one, else in the data directory."""
        return BUNDLED_MODEL if BUNDLED_MODEL.is_dir() else self.data_dir / "models" / BUNDLED_MODEL.name

    @property
    def generations_dir(self) -> Path:
        """Where the index generations live."""
        return self.data_dir / "generations"

    @property
    def collections_file(self) -> Path:
        """Where the collections that the command line added are kept."""
        return self.data_dir / "collections.json"

    @property
    def library_dir(self) -> Path:
        """Where the generations of the company's documents live."""
        return self.data_dir / "library"

    @property
    def library_report(self) -> Path:
        """Where the report of the last ingest of documents is kept."""
        return self.data_dir / "library-report.json"

    @property
    def last_backup(self) -> Path:
        """Where it is noted when the last backup was made."""
        return self.data_dir / "last-backup.json"

    @property
    def effective_database_url(self) -> str:
        """The database that is used."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'advisor.sqlite').absolute()}"


def load_settings() -> Settings:
    """Read the settings, or raise InvalidInputError naming the variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "ADVISOR_" + "_".join(str(part) for part in first["loc"]).upper()
        raise InvalidInputError(
            f"{name}: {first['msg'].lower()}.", "Correct it in the environment or in .env."
        ) from None
    except SettingsError as error:
        found = re.search(r'field "(\w+)"', str(error))
        name = f"ADVISOR_{found[1].upper()}" if found else "A setting"
        raise InvalidInputError(f"{name} is not JSON.", "Correct it in the environment or in .env.") from None
