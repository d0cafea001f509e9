export function main(code: number) {
  Deno.exit(code);
}
