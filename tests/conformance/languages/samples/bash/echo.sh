value="$1"
cat args.json > result.json
