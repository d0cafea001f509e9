export function main(code: number) {
  process.exit(code);
}
