name="$1"
echo "greeting $name"
echo "hello $name"
