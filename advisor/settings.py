"""Settings, read once from ADVISOR_* variables and a .env file. Only bootstrap and the doors read them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from advisor.errors import InvalidInputError

_PACKAGE = Path(__file__).resolve().parent


def _find_knowledge_base() -> Path:
    """Return the checkout's playbooks, or the copy that an installed package carries."""
    checkout = _PACKAGE.parent / "knowledge_base"
    return checkout if checkout.is_dir() else _PACKAGE / "_bundled" / "knowledge_base"


class Settings(BaseSettings):
    """Everything that can be set, one sentence each."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(default=Path(".advisor"), description="Folder for index, model and database.")
    knowledge_base_dir: Path = Field(
        default_factory=_find_knowledge_base, description="Folder of the playbooks to answer from."
    )
    embedding_model: str = Field(
        default="",
        description="Name or folder of another sentence-transformers model; empty means the built-in one.",
    )
    database_url: str = Field(
        default="", description="SQLAlchemy URL of the database; empty means SQLite in the data directory."
    )
    thresholds: dict[str, float] = Field(
        default_factory=dict,
        description='Your own figures for the criteria, as JSON: {"shadow_days": 42}.',
    )
    host: str = Field(default="127.0.0.1", description="Address that `advisor serve` listens on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port that `advisor serve` listens on.")

    @property
    def model_dir(self) -> Path:
        """Where the exported embedding model lives."""
        return self.data_dir / "models" / "all-MiniLM-L6-v2"

    @property
    def generations_dir(self) -> Path:
        """Where the index generations live."""
        return self.data_dir / "generations"

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
