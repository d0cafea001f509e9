export async function main(name: string) {
  console.log(`greeting ${name}`);
  return `hello ${name}`;
}
