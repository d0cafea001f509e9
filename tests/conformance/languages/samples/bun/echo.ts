export function main(value: unknown) {
  return { value };
}
