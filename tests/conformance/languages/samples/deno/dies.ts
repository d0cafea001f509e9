export function main() {
  Deno.kill(Deno.pid, "SIGKILL");
}
