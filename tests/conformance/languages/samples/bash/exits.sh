code="$1"
exit "$code"
