"""The containers start what the application declares, and give nobody more than it needs."""

import re
import tomllib
from collections import Counter

import pytest
import typer.main
from packaging.specifiers import SpecifierSet

from config.settings import Settings
from tests.support.compose import ROOT, Service, compose_file, services
from workers.cli.main import app
from workers.queues import QUEUES, Queue, prefetch_multiplier

ALL = services()
OURS = [service for service in ALL if service.arrears]
LASTING = [service for service in ALL if not service.one_shot]
WORKERS = [service for service in ALL if service.arrears == "worker"]

ALIASES = {field.alias for field in Settings.model_fields.values()}
NOT_FOR_CONTAINERS = {
    "ARREARS_CLOCK_FILE",  # production keeps the true time
    "ARREARS_TOKEN_FILE",  # of a person at the command line
    "ARREARS_POLICY_DIR",  # the policy is part of the image
    "TWILIO_API_BASE",  # texts go to Twilio itself
    "TENCENT_API_BASE",  # and to Tencent Cloud itself
}

every_service = pytest.mark.parametrize("service", ALL, ids=str)
every_lasting_service = pytest.mark.parametrize("service", LASTING, ids=str)
every_one_of_ours = pytest.mark.parametrize("service", OURS, ids=str)
every_worker = pytest.mark.parametrize("service", WORKERS, ids=str)


def service_named(name: str) -> Service:
    return next(service for service in ALL if service.name == name)


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


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
    assert others == Counter(["migrate", "beat", "webhook", "flower"])


@every_one_of_ours
def test_a_service_runs_a_command_that_exists_with_options_that_exist(service: Service) -> None:
    commands = typer.main.get_group(app).commands
    assert service.arrears is not None
    assert service.arrears in commands
    known = {option for parameter in commands[service.arrears].params for option in parameter.opts}
    assert {f"--{option}" for option in service.options} <= known


@every_worker
def test_a_worker_is_asked_for_its_health_by_its_own_name(service: Service) -> None:
    assert f"--destination={service.options['name']}@$$HOSTNAME" in service.health


@pytest.mark.parametrize("name", ["webhook", "flower"])
def test_a_web_server_publishes_the_port_it_listens_on(name: str) -> None:
    service = service_named(name)
    port = service.options["port"]
    assert service.given["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"http://127.0.0.1:{port}/health" in service.health


# --- coming up, staying up, going down


@every_one_of_ours
def test_nothing_of_ours_starts_before_the_database_is_migrated(service: Service) -> None:
    waits_for = {name: wait["condition"] for name, wait in service.given["depends_on"].items()}
    if service.arrears == "migrate":
        assert waits_for == {"postgres": "service_healthy"}
    else:
        assert waits_for["migrate"] == "service_completed_successfully"
        assert waits_for["redis"] == "service_healthy"


def test_only_the_migration_runs_once() -> None:
    assert [service.arrears for service in ALL if service.one_shot] == ["migrate"]


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
    assert service.given["security_opt"] == ["no-new-privileges:true"]
    assert service.given["read_only"] is True
    assert "privileged" not in service.given


@every_service
def test_nothing_is_published_beyond_loopback(service: Service) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.given.get("ports", []))


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_the_database_and_the_broker_are_reached_from_inside_only(name: str) -> None:
    service = service_named(name)
    assert "ports" not in service.given
    assert service.given["networks"] == ["inside"]
    assert compose_file()["networks"]["inside"] == {"internal": True}


def test_only_those_who_talk_to_the_world_have_a_way_out() -> None:
    outside = {service.name for service in ALL if "outside" in service.given["networks"]}
    assert outside == {"worker-texts", "worker-outbox", "worker-maintenance", "webhook", "flower"}


# --- settings and secrets


@every_service
def test_a_secret_that_a_service_reads_is_declared_and_given_to_it(service: Service) -> None:
    values = map(str, environment(service).values())
    read = set(
        re.findall(r"/run/secrets/(\w+)", " ".join([*service.words, *values, service.health]))
    )
    assert read == set(service.given.get("secrets", []))
    assert read <= set(compose_file()["secrets"])


def test_every_secret_is_a_file_that_version_control_does_not_see() -> None:
    for name, secret in compose_file()["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
    assert {"secrets/", ".env"} <= set((ROOT / ".gitignore").read_text().split())


@every_service
def test_no_password_stands_in_the_environment(service: Service) -> None:
    secret = re.compile(r"PASSWORD|TOKEN|KEY|AUTH|_URL$")
    for name in environment(service):
        if name not in ("ARREARS_PUBLIC_URL", "ARREARS_EVENTS_OUT_URL"):
            assert name.endswith("_FILE") or not secret.search(name), name


def setting_of(variable: str) -> str:
    """What a variable sets, itself or by the file that it names."""
    return variable if variable in ALIASES else variable.removesuffix("_FILE")


@every_one_of_ours
def test_a_service_of_ours_is_given_every_setting_and_no_other(service: Service) -> None:
    given = {setting_of(name) for name in environment(service)}
    assert {name for name in given if not name.startswith("FLOWER_")} == (
        ALIASES - NOT_FOR_CONTAINERS
    )


def test_a_setting_without_a_default_is_asked_for_by_name() -> None:
    needed = {field.alias for field in Settings.model_fields.values() if field.is_required()}
    for name, value in environment(WORKERS[0]).items():
        if name in needed:
            assert str(value).startswith(f"${{{name}:?"), name


@every_service
def test_a_variable_of_another_program_is_documented(service: Service) -> None:
    documented = (ROOT / "docs" / "settings.md").read_text()
    assert all(f"`{setting_of(name)}" in documented for name in environment(service))


# --- the image


def test_the_image_has_a_python_that_the_package_takes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    images = re.findall(r"^FROM python:(\d+\.\d+)-slim", dockerfile(), re.MULTILINE)
    assert len(images) == 2
    assert len(set(images)) == 1
    assert images[0] in SpecifierSet(project["requires-python"])


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


def test_no_secret_is_built_into_the_image() -> None:
    assert not re.search(r"secret|password|token|_KEY", dockerfile().split("FROM", 1)[1])
