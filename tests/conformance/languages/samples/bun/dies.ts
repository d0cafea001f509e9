export function main() {
  process.kill(process.pid, "SIGKILL");
}
