"""``hybridge.toml``: read, checked and explained. The only place that knows the file.

Secrets are never in the file by necessity: each has a ``..._file`` beside it. A secret is looked for as a systemd
credential (``$CREDENTIALS_DIRECTORY/<name>``), then in its file, then in the environment
(``HYBRIDGE_EXCHANGE__PASSWORD``), then in the file's own text.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from hybridge.config_presence import EXAMPLES, PresenceSection
from hybridge.findings import Acceptance
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.terms.clouds import CLOUDS, Cloud
from hybridge.terms.hybrid_kinds import AUTO, CHOICES


class ConfigProblem(ValueError):
    """The configuration cannot be used: one sentence that names the file and the setting, and the next step."""

    def __init__(self, says: str, next_step: str) -> None:
        super().__init__(says)
        self.says = says
        self.next_step = next_step


class Section(BaseModel):
    """A table of the file; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OrganizationSection(Section):
    domain: str = Field(description="The organization's main SMTP domain.")
    tenant_id: str = Field(default="", description="The tenant's id (a GUID).")
    cloud: str = Field(default="worldwide", description="One of worldwide, gcc, gcc-high, dod, china, bleu, delos.")
    hybrid: str = Field(default=AUTO, description="What the organization is; auto leaves it to what is read.")

    @model_validator(mode="after")
    def known_cloud(self) -> Self:
        if self.cloud not in CLOUDS:
            raise ValueError(f"cloud '{self.cloud}' is not known; choose one of: {', '.join(CLOUDS)}")
        return self

    @model_validator(mode="after")
    def known_kind(self) -> Self:
        if self.hybrid not in CHOICES:
            raise ValueError(f"hybrid '{self.hybrid}' is not known; choose one of: {', '.join(CHOICES)}")
        return self


class NetSection(Section):
    connect_to: dict[str, str] = Field(default={}, description="Another address for host[:port] or address[:port].")
    ca_file: str = Field(default="", description="Certificate authorities (PEM) trusted beside the system's.")
    nameserver: str = Field(default="", description="Name server to ask instead of the system's resolver.")
    only_mapped: bool = Field(default=False, description="Refuse every connection that connect_to does not name.")
    timeout: float = Field(default=20.0, gt=0, description="Seconds for one whole request.")
    per_host: int = Field(default=8, ge=1, description="Requests at once to one host.")


class ExchangeSection(Section):
    hosts: tuple[str, ...] = Field(default=(), description="The only hosts the account is ever sent to.")
    powershell_url: str = Field(default="", description="Remote PowerShell, such as https://ex1.../powershell/.")
    username: str = Field(default="", description="An account that may read (for repairs: change) Exchange.")
    password: SecretStr = Field(default=SecretStr(""), description="Better kept in password_file.")
    password_file: str = Field(default="", description="A file holding the password, readable by you alone.")
    auth: Literal["basic", "ntlm", "negotiate"] = Field(default="negotiate", description="How to sign in.")
    exports: str = Field(default="", description="A folder with exports of what remote PowerShell cannot show.")


class EntraSection(Section):
    tenant_id: str = Field(default="", description="The tenant to sign in to.")
    client_id: str = Field(default="", description="The application hybridge signs in as.")
    client_secret: SecretStr = Field(default=SecretStr(""), description="Better kept in client_secret_file.")
    client_secret_file: str = Field(default="", description="A file holding the secret, readable by you alone.")
    certificate_file: str = Field(default="", description="PEM with certificate and key, instead of a secret.")


class DoctorSection(Section):
    mailboxes: tuple[str, ...] = Field(default=(), description="Examined when no mailbox is named.")
    delegations: tuple[str, ...] = Field(default=(), description="Examined when none is named, as delegator:delegate.")


class AcceptedSection(Section):
    cause: str = Field(min_length=3, description="A cause (area/check:slug), or a whole check (area/check).")
    subject: str = Field(default="", description="Only at these mailboxes, such as ada@contoso.com or *@contoso.com.")
    reason: str = Field(min_length=3, description="Why it is accepted; shown in every report.")
    until: date = Field(description="The last day it is accepted; from the next day it counts again.")


class RulesSection(Section):
    folder: str = Field(default=".hybridge/rules", description="Where your newer rules files lie.")


class NetworkSection(Section):
    allow_list: str = Field(
        default="", description="What the firewall admits to Exchange: a file of CIDRs, or the https address of one."
    )


class LabSection(Section):
    control: str = Field(default="", description="Where the running lab is steered; written by hybridge lab up.")
    token_file: str = Field(default="", description="The token the lab's control wants.")


class Settings(BaseSettings):
    """The whole configuration; environment variables ``HYBRIDGE_SECTION__KEY`` win over the file."""

    model_config = SettingsConfigDict(extra="forbid", env_prefix="HYBRIDGE_", env_nested_delimiter="__", frozen=True)
    organization: OrganizationSection
    net: NetSection = NetSection()
    exchange: ExchangeSection = ExchangeSection()
    entra: EntraSection = EntraSection()
    doctor: DoctorSection = DoctorSection()
    rules: RulesSection = RulesSection()
    network: NetworkSection = NetworkSection()
    presence: PresenceSection = PresenceSection()
    lab: LabSection = LabSection()
    accepted: tuple[AcceptedSection, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


class Config:
    """A configuration ready for use: paths resolved beside the file, secrets read."""

    def __init__(self, settings: Settings, file: Path) -> None:
        self.settings = settings
        self.file = file
        self.exchange = self._exchange()
        self.entra = self._entra()
        self.net = self._net()

    @property
    def cloud(self) -> Cloud:
        return CLOUDS[self.settings.organization.cloud]

    @property
    def delegations(self) -> tuple[tuple[str, str], ...]:
        return tuple(pair_of(text) for text in self.settings.doctor.delegations)

    @property
    def accepted(self) -> tuple[Acceptance, ...]:
        """The risks the organization takes."""
        return _accepted(self.settings)

    def secret(self, name: str, file: str, inline: SecretStr) -> Secret:
        """The secret of a setting ``name`` that may be in ``file`` or in the text. Raises ``ConfigProblem``."""
        return self._secret(name, file, inline)

    def beside(self, name: str) -> Path:
        """A path of the file, relative to the file's own folder."""
        return self.file.parent / Path(name).expanduser()

    def _net(self) -> NetConfig:
        section = self.settings.net
        return NetConfig(
            connect_to=section.connect_to,
            ca_file=str(self.beside(section.ca_file)) if section.ca_file else "",
            nameserver=section.nameserver,
            only_mapped=section.only_mapped,
            timeout=section.timeout,
            per_host=section.per_host,
        )

    def _exchange(self) -> ExchangeConfig:
        section = self.settings.exchange
        return ExchangeConfig(
            hosts=section.hosts,
            powershell_url=section.powershell_url,
            username=section.username,
            password=self._secret("exchange.password", section.password_file, section.password),
            auth=section.auth,
        )

    def _entra(self) -> EntraConfig:
        section = self.settings.entra
        return EntraConfig(
            tenant_id=section.tenant_id or self.settings.organization.tenant_id,
            client_id=section.client_id,
            client_secret=self._secret("entra.client_secret", section.client_secret_file, section.client_secret),
            certificate_file=str(self.beside(section.certificate_file)) if section.certificate_file else "",
            cloud=self.settings.organization.cloud,
        )

    def _secret(self, name: str, file: str, inline: SecretStr) -> Secret:
        credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
        provided = Path(credentials) / name.replace(".", "-").replace("_", "-") if credentials else None
        if provided is not None and provided.is_file():
            return Secret(provided.read_text(encoding="utf-8").strip())
        if not file:
            return Secret(inline.get_secret_value())
        path = self.beside(file)
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ConfigProblem(
                f"{self.file}: {name}_file '{path}' cannot be read: {reason}.", "write the secret into that file"
            ) from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigProblem(f"{self.file}: '{path}' can be read by others.", f"chmod 600 {path}")
        return Secret(text)


def load(file: Path) -> Config:
    """Read and check ``file``. Raises ``ConfigProblem``."""
    return Config(_settings(file), file)


def accepted_of(file: Path, domain: str) -> tuple[Acceptance, ...]:
    """The risks that ``file`` accepts for ``domain``; none where it is not there or of another organization.

    For who examines an export: nothing else of the file is used, and no secret is read. Raises ``ConfigProblem``.
    """
    if not file.is_file():
        return ()
    settings = _settings(file)
    return _accepted(settings) if settings.organization.domain.lower() == domain.lower() else ()


def _accepted(settings: Settings) -> tuple[Acceptance, ...]:
    return tuple(
        Acceptance(cause=one.cause, subject=one.subject, reason=one.reason, until=one.until)
        for one in settings.accepted
    )


def _settings(file: Path) -> Settings:
    if not file.is_file():
        raise ConfigProblem(
            f"There is no configuration '{file}'.",
            "write one (hybridge config show prints a commented example), or name it with --config",
        )
    try:
        content = TomlConfigSettingsSource(Settings, toml_file=file)()
    except (ValueError, OSError) as error:
        raise ConfigProblem(f"'{file}' cannot be read as TOML: {error}.", "correct that line") from error
    try:
        return Settings(**content)
    except ValidationError as error:
        raise ConfigProblem(f"'{file}': {_sentence(error)}", "hybridge config show prints every setting") from error


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "there is no such setting"
    more = error.error_count() - 1
    return f"{place or 'the file'}: {message}{f' (and {more} more)' if more else ''}."


def pair_of(text: str) -> tuple[str, str]:
    """``delegator:delegate`` as a pair. Raises ``ConfigProblem``."""
    delegator, colon, delegate = text.partition(":")
    if not (colon and "@" in delegator and "@" in delegate and ":" not in delegate):
        raise ConfigProblem(
            f"'{text}' is not a delegation.",
            "write it as delegator:delegate, such as ada@contoso.com:grace@contoso.com",
        )
    return delegator.strip(), delegate.strip()


def example() -> str:
    """A commented example of the whole file."""
    lines = ["# hybridge.toml: everything hybridge may be told. Lines with a # show the default.", ""]
    for name, section in Settings.model_fields.items():
        if name in ("lab", "accepted"):
            continue
        lines.append(f"[{name}]")
        kind = section.annotation
        assert isinstance(kind, type) and issubclass(kind, BaseModel)
        for key, field in kind.model_fields.items():
            if kind is PresenceSection and key in EXAMPLES:
                continue
            lines.append(f"# {field.description}")
            value = "" if field.is_required() else _toml(field.default)
            lines.append(f'{key} = "contoso.com"' if field.is_required() else f"# {key} = {value}")
        lines.append("")
        if kind is PresenceSection:
            lines += _presence_tables()
    lines += ["# A finding that is accepted for a while; as many of these tables as you like."]
    lines += ["# [[accepted]]", *_example_of(AcceptedSection.model_fields, _EXAMPLE_ACCEPTED), ""]
    return "\n".join(lines)


def _presence_tables() -> list[str]:
    """Servers, sinks and people of the gateway, each kind once, commented out."""
    lines = ["# Servers, sinks and groups of people of the gateway; as many of each of these tables as you like."]
    for kind, text in EXAMPLES.items():
        lines += [f"# [[presence.{kind}]]", *(f"# {line}" for line in text.splitlines()), ""]
    return lines


_EXAMPLE_ACCEPTED = {
    "cause": '"platform/exchange-version"',
    "subject": '"*@contoso.com"',
    "reason": '"the server is replaced in spring"',
    "until": "2027-03-31",
}


def _example_of(fields: Mapping[str, FieldInfo], values: Mapping[str, str]) -> list[str]:
    """An optional table, every line of it a comment."""
    return [line for key, field in fields.items() for line in (f"# {field.description}", f"# {key} = {values[key]}")]


def _toml(value: Any) -> str:
    if isinstance(value, SecretStr):
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def shown(config: Config) -> dict[str, Any]:
    """The configuration in force, secrets hidden."""

    def plain(value: object) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return str(value) if isinstance(value, Secret) else value

    return {
        "file": str(config.file),
        "organization": config.settings.organization.model_dump(),
        "net": plain(config.net),
        "exchange": plain(config.exchange),
        "entra": plain(config.entra),
        "doctor": config.settings.doctor.model_dump(),
        "rules": config.settings.rules.model_dump(),
        "network": config.settings.network.model_dump(),
        "presence": config.settings.presence.model_dump(mode="json"),
        "accepted": [one.model_dump(mode="json") for one in config.settings.accepted],
    }
