export async function main() {
  console.log("about to break");
  throw new Error("it broke");
}
