# The production image: the packages of requirements.txt, ours, and nothing to build with.
# Settings and secrets come in when it runs (docs/operations.md).

FROM python:3.11.14-slim-trixie AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build

# The lock first: as long as it stays the same, so does this layer.
COPY requirements.txt ./
RUN python -m venv --without-pip /opt/arrears \
    && pip --python /opt/arrears install --require-hashes --only-binary=:all: -r requirements.txt

# Building our own package takes setuptools: that of the development lock, by its hash.
COPY requirements-dev.txt ./
RUN awk '/^[a-z]/ {wanted = /^setuptools==/} wanted' requirements-dev.txt > build.txt \
    && pip install --require-hashes --only-binary=:all: -r build.txt

COPY pyproject.toml LICENSE ./
COPY domain domain
COPY config config
COPY workers workers
RUN pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/arrears install --no-index --no-deps dist/*.whl


FROM python:3.11.14-slim-trixie

# The base image's own tools would let an intruder install more; nothing here needs them.
RUN pip uninstall --yes --root-user-action=ignore setuptools wheel pip \
    && groupadd --gid 10001 arrears \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin arrears \
    # Its files are shared with whoever types commands, who comes as a user of their own in this group.
    && install --directory --owner=arrears --group=arrears --mode=2770 \
        /var/lib/arrears /var/lib/arrears/evidence /var/lib/arrears/journal

COPY --from=build /opt/arrears /opt/arrears
COPY docker/probe.sh /opt/arrears/probe.sh
ENV PATH=/opt/arrears/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

USER 10001
WORKDIR /var/lib/arrears
CMD ["arrears", "--help"]
