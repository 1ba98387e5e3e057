"""The containers start what the application declares, and give nobody more than it needs."""

import os
import re
import socket
import subprocess
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import typer.main
from packaging.specifiers import SpecifierSet
from sqlalchemy import Engine

from config.environment import load_broker_settings, load_settings
from config.settings import Settings
from tests.support.compose import ROOT, Service, compose_file, services
from tests.support.environment import KEY, an_environment
from tests.support.loans import Book
from workers.cli.main import app
from workers.db.encryption import Cipher
from workers.db.roles import Role
from workers.http.app import create_api, create_app, create_desk
from workers.http.requests import MOST_BYTES
from workers.messaging.alive import WRITE_EVERY
from workers.queues import QUEUES, Queue, prefetch_multiplier

ALL = services()
OURS = [service for service in ALL if service.arrears]
LASTING = [service for service in ALL if not service.one_shot]
SERVERS = [service for service in LASTING if service.arrears]
WORKERS = [service for service in ALL if service.arrears == "worker"]

ALIASES = {field.alias for field in Settings.model_fields.values()}
NOT_FOR_CONTAINERS = {
    "ARREARS_CLOCK_FILE",  # production keeps the true time
    "ARREARS_POLICY_DIR",  # the policy is part of the image
    "TWILIO_API_BASE",  # texts go to Twilio itself
    "TENCENT_API_BASE",  # and to Tencent Cloud itself
}

NOT_HERE = "not-here"
"""Stands for a secret that a service does not use."""
OF_IMAGES = {"POSTGRES_USER", "POSTGRES_PASSWORD", "XDG_DATA_HOME", "XDG_CONFIG_HOME"}

every_service = pytest.mark.parametrize("service", ALL, ids=str)
every_lasting_service = pytest.mark.parametrize("service", LASTING, ids=str)
every_one_of_ours = pytest.mark.parametrize("service", OURS, ids=str)
every_worker = pytest.mark.parametrize("service", WORKERS, ids=str)


def service_named(name: str) -> Service:
    return next(service for service in ALL if service.name == name)


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def caddyfile() -> str:
    return (ROOT / "docker" / "Caddyfile").read_text()


def owner_script() -> str:
    return (ROOT / "docker" / "postgres" / "10-owner.sh").read_text()


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def is_well(*asked: str) -> bool:
    done = subprocess.run(
        [ROOT / "docker" / "probe.sh", *asked], capture_output=True, timeout=20, check=False
    )
    return done.returncode == 0


def environment(service: Service) -> dict[str, str | None]:
    given: dict[str, str | None] = service.given.get("environment", {})
    return given


# --- who does what


def test_every_queue_is_served_by_exactly_one_worker_service() -> None:
    served = Counter(queue for service in WORKERS for queue in service.options["queues"].split(","))
    assert served == Counter(QUEUES)


def test_dispatch_has_a_worker_of_its_own() -> None:
    [serving] = [service for service in WORKERS if "dispatch" in service.options["queues"]]
    assert serving.options["queues"] == Queue.DISPATCH


def test_only_the_workers_that_decide_fetch_messages_ahead() -> None:
    ahead = {
        queue: prefetch_multiplier(service.options["queues"].split(","))
        for service in WORKERS
        for queue in service.options["queues"].split(",")
    }
    several = {queue for queue, many in ahead.items() if many > 1}
    assert several == {Queue.SCAN, Queue.ESCALATE}


def test_there_is_exactly_one_of_each_other_server() -> None:
    others = Counter(service.arrears for service in OURS if service not in WORKERS)
    assert others == Counter(["migrate", "status", "beat", "webhook", "api", "desk", "flower"])


def test_people_work_at_the_desk_alone(engine: Engine) -> None:
    paths = {*create_desk(Book(engine).ctx).openapi()["paths"]} - {"/health"}
    assert all(path.startswith("/api/v1/") for path in paths)


def test_only_calls_are_started_by_the_service_that_gives_out_numbers(engine: Engine) -> None:
    ctx = Book(engine).ctx
    assert {*create_api(ctx).openapi()["paths"]} == {"/calls/start", "/health"}
    assert "/calls/start" not in create_app(ctx).openapi()["paths"]


@every_one_of_ours
def test_a_service_runs_a_command_that_exists_with_options_that_exist(service: Service) -> None:
    commands = typer.main.get_group(app).commands
    assert service.arrears is not None
    assert service.arrears in commands
    known = {option for parameter in commands[service.arrears].params for option in parameter.opts}
    assert {f"--{option}" for option in service.options} <= known


@pytest.mark.parametrize("service", [*WORKERS, service_named("beat")], ids=str)
def test_a_worker_writes_the_file_whose_age_shows_its_health(service: Service) -> None:
    file = service.options["alive-file"]
    assert service.health.startswith(f"CMD /opt/arrears/probe.sh alive {file} ")
    assert float(service.health.split()[-1]) > 2 * WRITE_EVERY


@pytest.mark.parametrize("name", ["webhook", "api", "desk", "flower"])
def test_a_web_server_is_asked_at_the_port_it_listens_on(name: str) -> None:
    service = service_named(name)
    port = service.options["port"]
    assert f"probe.sh http {port} /health" in service.health
    if name == "flower":
        assert service.given["ports"] == [f"127.0.0.1:{port}:{port}"]
    else:
        assert f"reverse_proxy {name}:{port}" in caddyfile()


@every_lasting_service
def test_no_health_check_starts_python(service: Service) -> None:
    assert not re.search(r"python|celery|arrears \w", service.health)


def test_a_probe_says_by_its_exit_code_whether_a_service_is_well(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    assert not is_well("alive", str(file), "60")
    file.touch()
    assert is_well("alive", str(file), "60")
    os.utime(file, (0, 0))
    assert not is_well("alive", str(file), "60")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for answer, well in ((b"200 OK", True), (b"503 Service Unavailable", False)):
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(is_well, "http", port, "/health")
                connection, _ = server.accept()
                with connection, connection.makefile("rb") as sent:
                    lines = [sent.readline(), sent.readline(), sent.readline()]
                    assert lines == [b"GET /health HTTP/1.0\r\n", b"Host: 127.0.0.1\r\n", b"\r\n"]
                    connection.sendall(b"HTTP/1.1 " + answer + b"\r\n\r\n")
                assert asked.result() is well
    assert not is_well("http", port, "/health")


# --- coming up, staying up, going down


@every_service
def test_nothing_migrates_but_who_asks_for_it(service: Service) -> None:
    """`docker compose run … status` migrated the database under workers that ran."""
    assert "migrate" not in service.given.get("depends_on", {})
    if service.one_shot:
        assert service.given["profiles"] == [service.name]
    else:
        assert "profiles" not in service.given


def test_only_the_migration_and_commands_run_once() -> None:
    assert [service.name for service in ALL if service.one_shot] == ["migrate", "cli"]


@every_service
def test_an_image_has_a_version(service: Service) -> None:
    version = project()["version"]
    assert re.search(r":\d+\.\d+", service.given["image"])
    assert not service.arrears or service.given["image"] == f"arrears:{version}"


@every_service
def test_memory_processors_and_processes_have_limits(service: Service) -> None:
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service.given)


@every_worker
def test_how_many_there_are_of_a_worker_stands_in_the_settings(service: Service) -> None:
    name = service.name.upper().replace("WORKER-", "WORKERS_")
    assert service.given["deploy"] == {"replicas": f"${{{name}:-1}}"}


@every_lasting_service
def test_a_lasting_service_is_started_again_and_asked_for_its_health(service: Service) -> None:
    assert service.given["restart"] == "unless-stopped"
    assert service.health


@every_worker
def test_a_worker_is_asked_to_stop_within_bounds(service: Service) -> None:
    # How long it may take stands in tests/workers/test_app.py.
    assert service.given["stop_signal"] == "SIGQUIT"


@pytest.mark.parametrize("name", ["postgres", "redis", "flower"])
def test_what_must_outlive_a_container_is_on_a_volume(name: str) -> None:
    service = service_named(name)
    volume = service.given["volumes"][0].split(":")[0]
    assert volume in compose_file()["volumes"]


def test_the_database_may_be_given_more_memory_for_a_larger_book() -> None:
    assert "shared_buffers=${POSTGRES_SHARED_BUFFERS:-1GB}" in service_named("postgres").words


def test_a_full_broker_refuses_and_never_forgets() -> None:
    command = " ".join(service_named("redis").words)
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command


# --- what each may do


@every_service
def test_a_service_runs_without_root_and_without_privileges(service: Service) -> None:
    assert service.given["user"] not in {"root", "0"}
    assert service.given["cap_drop"] == ["ALL"]
    assert service.name == "proxy" or "cap_add" not in service.given
    assert service.given["security_opt"] == ["no-new-privileges:true"]
    assert service.given["read_only"] is True
    assert "privileged" not in service.given


@every_service
def test_nothing_but_the_proxy_is_published_beyond_loopback(service: Service) -> None:
    published = service.given.get("ports", [])
    if service.name == "proxy":
        # By IPv6 each caller would seem to come from a private address, as dialers do.
        assert published == ["0.0.0.0:80:80", "0.0.0.0:443:443"]
    else:
        assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_proxy_passes_on_the_doors_that_must_be_public_and_no_others(engine: Engine) -> None:
    ctx = Book(engine).ctx
    posted = {
        re.sub(r"\{\w+\}", "*", path)
        for app in (create_app(ctx), create_api(ctx))
        for path, doors in app.openapi()["paths"].items()
        if "post" in doors
    }
    passed_on = {
        p for line in re.findall(r"^\t\tpath (.*)$", caddyfile(), re.M) for p in line.split()
    }
    assert passed_on == posted | {"/api/v1/*"}
    assert f"max_size {MOST_BYTES // 1024}KiB" in caddyfile()


@pytest.mark.parametrize("name", ["postgres", "redis", "webhook", "api", "desk"])
def test_only_the_proxy_is_reached_from_outside(name: str) -> None:
    service = service_named(name)
    assert "ports" not in service.given
    assert service.given["networks"] == ["inside"]
    assert compose_file()["networks"]["inside"] == {"internal": True}


def test_only_those_who_talk_to_the_world_have_a_way_out() -> None:
    outside = {service.name for service in ALL if "outside" in service.given["networks"]}
    assert outside == {"worker-texts", "worker-outbox", "worker-maintenance", "flower", "proxy"}


# --- settings and secrets


@every_service
def test_a_secret_that_a_service_reads_is_declared_and_given_to_it(service: Service) -> None:
    values = map(str, environment(service).values())
    read = set(
        re.findall(r"/run/secrets/(\w+)", " ".join([*service.words, *values, service.health]))
    )
    if service.arrears == "migrate":
        read |= {f"{role}_password" for role in Role}
    if service.name == "postgres":
        read |= set(re.findall(r"/run/secrets/(\w+)", owner_script()))
    assert read == set(service.given.get("secrets", []))
    assert read <= set(compose_file()["secrets"])


def test_every_secret_is_a_file_that_version_control_does_not_see() -> None:
    for name, secret in compose_file()["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
    assert {"secrets/", ".env"} <= set((ROOT / ".gitignore").read_text().split())


@every_service
def test_no_password_stands_in_the_environment(service: Service) -> None:
    secret = re.compile(r"PASSWORD|TOKEN|KEY|AUTH|_URL$")
    for name, value in environment(service).items():
        if name not in ("ARREARS_PUBLIC_URL", "ARREARS_EVENTS_OUT_URL") and value != NOT_HERE:
            assert name.endswith("_FILE") or not secret.search(name), name


def setting_of(variable: str) -> str:
    """What a variable sets, itself or by the file that it names."""
    return variable if variable in ALIASES else variable.removesuffix("_FILE")


WHO_HAS = {
    "database_url_owner": {"migrate"},
    "database_url_webhook": {"webhook"},
    "database_url_api": {"api"},
    "database_url_desk": {"desk"},
    "twilio_auth_tokens": {"worker-texts", "worker-maintenance", "webhook", "cli"},
    "flower_basic_auth": {"flower"},
    "postgres_password": {"postgres"},
    "redis_password": {"redis"},
    "owner_password": {"postgres"},
    "encryption_keys": {s.name for s in OURS} - {"flower", "webhook"},
    "webhook_key": {"webhook"},
    "redis_url": {s.name for s in OURS},
    "database_url_worker": {s.name for s in WORKERS} | {"beat"},
    "database_url_cli": {"cli"},
    **{f"{role}_password": {"migrate"} for role in Role},
}
"""Each secret, and the services that it is given to."""


@pytest.mark.parametrize("secret", compose_file()["secrets"])
def test_a_secret_is_given_to_those_who_use_it_and_to_nobody_else(secret: str) -> None:
    having = {service.name for service in ALL if secret in service.given.get("secrets", [])}
    assert having == WHO_HAS[secret]


@every_one_of_ours
def test_a_service_of_ours_starts_with_the_settings_that_it_is_given(service: Service) -> None:
    given = {setting_of(name) for name in environment(service)}
    assert {name for name in given if not name.startswith("FLOWER_")} <= ALIASES
    cipher = Cipher([KEY])
    values = {**an_environment(), "ARREARS_WEBHOOK_KEY": cipher.webhook_key()}
    known = {name: values[name] for name in given & values.keys()}
    if service.arrears == "flower":
        assert {name for name in given if not name.startswith("FLOWER_")} == {"REDIS_URL"}
        load_broker_settings(known)
    else:
        load_settings({"ARREARS_LENDER_PHONE": "1", **known})


def test_every_setting_is_given_to_somebody() -> None:
    given = {setting_of(name) for service in OURS for name in environment(service)}
    assert {name for name in given if not name.startswith("FLOWER_")} == (
        ALIASES - NOT_FOR_CONTAINERS
    )


def test_a_setting_without_a_default_is_asked_for_by_name() -> None:
    needed = {field.alias for field in Settings.model_fields.values() if field.is_required()}
    for name, value in environment(WORKERS[0]).items():
        if name in needed and value != NOT_HERE:
            assert str(value).startswith(f"${{{name}:?"), name


@every_service
def test_a_variable_of_another_program_is_documented(service: Service) -> None:
    documented = (ROOT / "docs" / "settings.md").read_text()
    documented += (ROOT / "docs" / "operations.md").read_text()
    names = {setting_of(name) for name in environment(service)} - OF_IMAGES
    assert [name for name in names if name not in documented] == []


# --- the image


def test_the_image_has_a_python_that_the_package_takes() -> None:
    images = re.findall(r"^FROM python:(\d+\.\d+\.\d+)-slim", dockerfile(), re.MULTILINE)
    assert len(images) == 2
    assert len(set(images)) == 1
    assert images[0] in SpecifierSet(project()["requires-python"])


def test_everything_in_the_image_is_checked_by_hash_or_is_ours() -> None:
    installs = re.findall(r"pip\S* (?:--python \S+ )?(?:install|wheel) .*", dockerfile())
    assert len(installs) == 4
    for install in installs:
        assert "--require-hashes" in install or "--no-index --no-deps" in install


def test_the_image_is_built_from_files_that_exist_and_are_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert "workers/simulator" in ignored, "it is for a source checkout only"
    for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored


def test_the_image_runs_as_the_user_that_the_compose_file_names() -> None:
    users = re.findall(r"^USER (\S+)$", dockerfile(), re.MULTILINE)
    assert {service.given["user"] for service in OURS} == set(users)


def test_whoever_types_a_command_shares_the_files_of_the_services() -> None:
    """A collector's command, which ran as another user, could not write the counter's file."""
    assert "--mode=2770" in dockerfile()
    [group] = re.findall(r"groupadd --gid (\d+) arrears", dockerfile())
    operations = (ROOT / "docs" / "operations.md").read_text()
    assert f'--user "$(id -u):{group}"' in operations


def test_the_image_is_built_once_for_all_services() -> None:
    """Built for each service, it left ten images without a name after each build."""
    assert [service.name for service in ALL if "build" in service.given] == ["beat"]


def test_no_service_asks_for_more_processors_than_a_small_machine_has() -> None:
    """The engine refuses to start a service that asks for more than there are."""
    asked = {service.given["cpus"] for service in ALL}
    assert asked == {1, 2, "${POSTGRES_CPUS:-0}"}


def test_no_secret_is_built_into_the_image() -> None:
    assert not re.search(r"secret|password|token|_KEY", dockerfile().split("FROM", 1)[1])
