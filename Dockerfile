# The tag names the version; the lock names everything that is installed into it.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/payouts
ENV PATH=/opt/payouts/bin:$PATH
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY worker worker
COPY tasks tasks
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home payouts \
    && install --directory --owner=payouts /journal
COPY --from=build /opt/payouts /opt/payouts
ENV PATH=/opt/payouts/bin:$PATH PYTHONUNBUFFERED=1
# Celery looks into the current folder first, so it is one where nothing can hide our packages.
WORKDIR /empty
USER payouts
STOPSIGNAL SIGTERM
CMD ["payouts", "--help"]
