echo "about to break"
echo "it broke"
exit 1
