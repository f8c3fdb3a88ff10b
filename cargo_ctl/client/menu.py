"""The texts of the backup menu: Portuguese as in the published program, Spanish, English. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cargo_ctl.render.words import escaped, size
from cargo_ctl.session.session import RemoteEntry
from cargo_sync.api.server_trust import ENGLISH as ENGLISH_QUESTIONS
from cargo_sync.api.server_trust import TrustQuestions


@dataclass(frozen=True, slots=True)
class Words:
    """All texts of the menu in one language.

    `{}` is filled in; `yes` is the letter that answers a question with yes; `trust` are the
    questions about a coordinator that is not known.
    """

    title: str
    menu: tuple[str, str, str, str, str]
    settings_title: str
    settings: tuple[str, str, str, str]
    choose: str
    no_such_choice: str
    configure_first: str
    nickname: str
    download_dir: str
    coordinator: str
    unset: str
    now: str
    saved: str
    not_saved: str
    no_folder: str
    bad_nickname: str
    bad_coordinator: str
    old_port: str
    which_file: str
    no_file: str
    which_id: str
    sent: str
    received: str
    same: str
    user: str
    file_line: str
    nothing: str
    nothing_read: str
    password: str
    replace: str
    left: str
    cancelled: str
    no_password: str
    yes: str
    trust: TrustQuestions
    problems: Mapping[str, str]


PORTUGUESE: Final = Words(
    title="Servidor Backup",
    menu=("Transmitir", "Listar", "Baixar", "Configurações", "Sair"),
    settings_title="Configurações",
    settings=("Apelido", "Diretório de download", "Endereço do coordenador", "Voltar"),
    choose="Opção: ",
    no_such_choice="Opção inválida: {}",
    configure_first="Configure antes o apelido e o diretório de download (opção 4).",
    nickname="Apelido: ",
    download_dir="Diretório de download: ",
    coordinator="Endereço do coordenador (máquina:porta): ",
    unset="não configurado",
    now="agora: {}",
    saved="Salvo.",
    not_saved="As configurações não puderam ser salvas: {}",
    no_folder="Não existe o diretório {}",
    bad_nickname="Um apelido tem de 1 a 100 caracteres, sem / nem :",
    bad_coordinator="Escreva o endereço como máquina:porta, por exemplo backup.example.org:10001",
    old_port="A porta 10000 é a dos clientes antigos; este usa a outra, normalmente 10001.",
    which_file="Arquivo: ",
    no_file="Não existe o arquivo {}",
    which_id="ID do arquivo: ",
    sent="Arquivo transmitido: {} (ID: {})",
    received="Arquivo salvo em {}",
    same="O arquivo já está em {}, com o mesmo conteúdo.",
    user="Usuário: {}",
    file_line="ID: {} ---- Nome do Arquivo: {}",
    nothing="Nenhum dado salvo",
    nothing_read="Nada foi digitado.",
    password="Senha: ",  # noqa: S106 - the question, not a password
    replace="{} já existe e é diferente. Substituir? [s/N] ",
    left="{} ficou como estava.",
    cancelled="Cancelado em {} de {}; repita a ordem para continuar.",
    no_password="O coordenador pede uma senha e não há terminal: use --password-file.",  # noqa: S106
    yes="s",
    trust=TrustQuestions(
        "Esta é a primeira conexão com {place}. Nenhuma autoridade conhecida assinou o "
        "certificado:\n"
        "  sha256:{fingerprint}\n"
        "O servidor mostra a impressão digital quando é iniciado. É a mesma?",
        "A conexão com {place} não é cifrada: outros poderiam ler a senha e todos os arquivos. "
        "Continuar mesmo assim?",
        "[s/N]",
        ("s", "sim"),
        "{place} não é de confiança",
        "A conexão com {place} não é cifrada",
    ),
    problems=MappingProxyType(
        {
            "unauthorized": "O coordenador não aceita este apelido ou esta senha.",
            "unreachable": "O coordenador não responde.",
            "unknown_host": "Não existe a máquina do coordenador.",
            "timeout": "O coordenador não respondeu a tempo.",
            "cut": "A conexão caiu; repita a ordem para continuar.",
            "unknown": "ID não encontrado",
            "certificate": "O certificado do coordenador não é confiável.",
            "disk_full": "O disco está cheio.",
            "over_quota": "Sua cota no servidor está esgotada.",
        }
    ),
)

SPANISH: Final = Words(
    title="Servidor Backup",
    menu=("Transmitir", "Listar", "Descargar", "Configuración", "Salir"),
    settings_title="Configuración",
    settings=("Apodo", "Carpeta de descarga", "Dirección del coordinador", "Volver"),
    choose="Opción: ",
    no_such_choice="Opción inválida: {}",
    configure_first="Configure antes el apodo y la carpeta de descarga (opción 4).",
    nickname="Apodo: ",
    download_dir="Carpeta de descarga: ",
    coordinator="Dirección del coordinador (máquina:puerto): ",
    unset="sin configurar",
    now="ahora: {}",
    saved="Guardado.",
    not_saved="La configuración no pudo guardarse: {}",
    no_folder="No existe la carpeta {}",
    bad_nickname="Un apodo tiene de 1 a 100 caracteres, sin / ni :",
    bad_coordinator=(
        "Escriba la dirección como máquina:puerto, por ejemplo backup.example.org:10001"
    ),
    old_port="El puerto 10000 es el de los clientes antiguos; este usa el otro, normalmente 10001.",
    which_file="Archivo: ",
    no_file="No existe el archivo {}",
    which_id="ID del archivo: ",
    sent="Archivo transmitido: {} (ID: {})",
    received="Archivo guardado en {}",
    same="El archivo ya está en {}, con el mismo contenido.",
    user="Usuario: {}",
    file_line="ID: {} ---- Nombre del archivo: {}",
    nothing="No hay datos guardados",
    nothing_read="No se escribió nada.",
    password="Contraseña: ",  # noqa: S106
    replace="{} ya existe y es diferente. ¿Reemplazarlo? [s/N] ",
    left="{} quedó como estaba.",
    cancelled="Cancelado en {} de {}; repita la orden para continuar.",
    no_password=(  # noqa: S106
        "El coordinador pide una contraseña y no hay terminal: use --password-file."
    ),
    yes="s",
    trust=TrustQuestions(
        "Es la primera conexión con {place}. Ninguna autoridad conocida firmó su certificado:\n"
        "  sha256:{fingerprint}\n"
        "El servidor muestra su huella cuando se inicia. ¿Es la misma?",
        "La conexión con {place} no está cifrada: otros podrían leer la contraseña y todos los "
        "archivos. ¿Continuar de todos modos?",
        "[s/N]",
        ("s", "si", "sí"),
        "{place} no es de confianza",
        "La conexión con {place} no está cifrada",
    ),
    problems=MappingProxyType(
        {
            "unauthorized": "El coordinador no acepta este apodo o esta contraseña.",
            "unreachable": "El coordinador no responde.",
            "unknown_host": "No existe la máquina del coordinador.",
            "timeout": "El coordinador no respondió a tiempo.",
            "cut": "La conexión se cortó; repita la orden para continuar.",
            "unknown": "ID no encontrado",
            "certificate": "El certificado del coordinador no es de confianza.",
            "disk_full": "El disco está lleno.",
            "over_quota": "Su cuota en el servidor está agotada.",
        }
    ),
)

ENGLISH: Final = Words(
    title="Servidor Backup",
    menu=("Send", "List", "Download", "Settings", "Quit"),
    settings_title="Settings",
    settings=("Nickname", "Download folder", "Coordinator's address", "Back"),
    choose="Choice: ",
    no_such_choice="Unknown choice: {}",
    configure_first="First set the nickname and the download folder (choice 4).",
    nickname="Nickname: ",
    download_dir="Download folder: ",
    coordinator="Coordinator's address (host:port): ",
    unset="not set",
    now="now: {}",
    saved="Saved.",
    not_saved="The settings could not be saved: {}",
    no_folder="There is no folder {}",
    bad_nickname="A nickname has 1 to 100 characters, no / and no :",
    bad_coordinator="Write the address as host:port, such as backup.example.org:10001",
    old_port="Port 10000 is for old clients; this client uses the other port, usually 10001.",
    which_file="File: ",
    no_file="There is no file {}",
    which_id="File ID: ",
    sent="Sent: {} (ID: {})",
    received="Saved as {}",
    same="The file is already there, with the same content: {}",
    user="User: {}",
    file_line="ID: {} ---- File name: {}",
    nothing="No files are saved",
    nothing_read="Nothing was typed.",
    password="Password: ",  # noqa: S106
    replace="{} already exists and is different. Replace it? [y/N] ",
    left="{} was not changed.",
    cancelled="Cancelled at {} of {}; repeat the command to resume.",
    no_password=(  # noqa: S106
        "The coordinator asks for a password, but there is no terminal: use --password-file."
    ),
    yes="y",
    trust=ENGLISH_QUESTIONS,
    problems=MappingProxyType({"unknown": "There is no file with this ID"}),
)

_SENTENCES = ("refused", "store_failed")
"""Codes of problems that end with the coordinator's sentence, which is Portuguese."""
_NO_ID = "ID não encontrado"

LANGUAGES: Final[Mapping[str, Words]] = MappingProxyType(
    {"pt": PORTUGUESE, "es": SPANISH, "en": ENGLISH}
)


def language(chosen: str | None, env: Mapping[str, str]) -> Words:
    """The texts in the language of `--lang`, else of the locale, else in English."""
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return LANGUAGES.get(chosen or locale[:2].lower(), ENGLISH)


def menu(words: Words) -> str:
    """The main menu."""
    return _numbered(words.title, words.menu, [""] * len(words.menu))


def settings_menu(words: Words, nickname: str, download_dir: str, coordinator: str) -> str:
    """The menu of settings, with their present values."""
    values = [escaped(each) or words.unset for each in (nickname, download_dir, coordinator)]
    return _numbered(
        words.settings_title, words.settings, [*(f"  ({each})" for each in values), ""]
    )


def listing(words: Words, nickname: str, entries: Sequence[RemoteEntry]) -> str:
    """The saved files, one ID per line, in the form of the published coordinator."""
    if not entries:
        return words.nothing
    return "\n".join(
        [words.user.format(escaped(nickname)), "", *(_file(words, each) for each in entries)]
    )


def problem(words: Words, code: str, message: str, hint: str = "") -> str:
    """An error in this language if it has a text for `code`; else the daemon's message."""
    if code in _SENTENCES:
        message, hint = message.partition(" answers: ")[2] or message, ""
        code = "unknown" if message == _NO_ID else code
    known = words.problems.get(code)
    if known is not None:
        return known
    return escaped(f"{message} ({hint})" if hint else message)


def _numbered(title: str, entries: Sequence[str], values: Sequence[str]) -> str:
    lines = [
        f"  {number}. {entry}{value}"
        for number, (entry, value) in enumerate(zip(entries, values, strict=True), 1)
    ]
    return "\n".join(["", title, *lines])


def _file(words: Words, entry: RemoteEntry) -> str:
    line = words.file_line.format(escaped(entry.id), escaped(entry.name))
    return line if entry.size is None else f"{line} ({size(entry.size)})"
