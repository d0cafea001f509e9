#!/bin/bash
# Deploys a version of a service, waits until it is healthy and rolls back when it is not.

service_name="$1"
version="$2"
environment="${3:-staging}"
dry_run="${4:-true}"

set -euo pipefail

TARGET="f/examples/deploy_target"
MAX_WAIT_SECONDS=300
CHECK_EVERY_SECONDS=5

log() {
  echo "[$(date '+%Y-%m-%d %H:%M:%S')] $1"
}

# The value of one text field of a flat JSON object on stdin.
field() {
  tr -d '\n' | sed -n "s/.*\"$1\"[[:space:]]*:[[:space:]]*\"\([^\"]*\)\".*/\1/p"
}

target() {
  curl -fsS -H "Authorization: Bearer $WM_TOKEN" \
    "$BASE_INTERNAL_URL/api/w/$WM_WORKSPACE/resources/get_value_interpolated/$TARGET"
}

request() {
  curl -fsS -o /dev/null -X POST "$url/$environment/$service_name/$1" -d "version=$version" -d "region=$region"
}

wait_for_healthy() {
  local elapsed=0
  until curl -fsS -o /dev/null "$url/$environment/$service_name/health"; do
    if ((elapsed >= MAX_WAIT_SECONDS)); then
      return 1
    fi
    log "Waiting for $service_name ($elapsed s)"
    sleep "$CHECK_EVERY_SECONDS"
    elapsed=$((elapsed + CHECK_EVERY_SECONDS))
  done
}

deploy() {
  if [[ "$dry_run" == "true" ]]; then
    log "Dry run: would deploy $service_name $version to $environment in $region"
    return
  fi
  log "Deploying $service_name $version to $environment in $region"
  request deploy
  if ! wait_for_healthy; then
    log "$service_name is not healthy after $MAX_WAIT_SECONDS s: rolling back"
    request rollback
    exit 1
  fi
}

settings="$(target)"
url="$(field url <<<"$settings")"
region="$(field region <<<"$settings")"
deploy

cat <<EOF
{
  "status": "success",
  "service": "$service_name",
  "version": "$version",
  "environment": "$environment",
  "region": "$region",
  "dry_run": $dry_run,
  "timestamp": "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}
EOF
