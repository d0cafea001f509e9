// What a hostile TypeScript job would try. Runs in Bun, Deno and Node; the names are those of `launcher/inside.py`.
// The tests also run it without a sandbox: nothing in here may change more than the target and the folder it runs in.
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import process from "node:process";

const read = (path) => fs.readSync(fs.openSync(path, "r"), new Uint8Array(1));
const openToWrite = (path) => fs.closeSync(fs.openSync(path, fs.constants.O_WRONLY));
const unless = (found) => {
  if (!found) throw new Error("closed");
};
const runs = (...argv) => unless(spawnSync(argv[0], argv.slice(1), { stdio: "ignore" }).status === 0);
const connects = (path) =>
  new Promise((resolve, reject) => {
    const line = net.connect({ path });
    line.once("connect", () => resolve(line.destroy()));
    line.once("error", reject);
  });
const listens = (path) =>
  new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(path, () => resolve(server.close()));
  });

const PROBES = {
  read_worker_environment: ({ worker }) => read(`/proc/${worker}/environ`),
  open_worker_memory: ({ worker }) => read(`/proc/${worker}/mem`),
  read_worker_memory_map: ({ worker }) => read(`/proc/${worker}/maps`),
  enter_worker_root: ({ worker }) => fs.readdirSync(`/proc/${worker}/root/`),
  follow_worker_files: ({ worker }) => fs.readlinkSync(`/proc/${worker}/fd/0`),
  read_supervisor_environment: () => read(`/proc/${process.ppid}/environ`),
  open_supervisor_memory: () => fs.closeSync(fs.openSync(`/proc/${process.ppid}/mem`, "r+")),
  enter_supervisor_root: () => fs.readdirSync(`/proc/${process.ppid}/root/`),
  read_first_process_environment: () => read("/proc/1/environ"),
  enter_first_process_folder: () => fs.readdirSync("/proc/1/cwd/"),
  signal_worker: ({ worker }) => process.kill(worker, 0),
  signal_supervisor: () => process.kill(process.ppid, 0),
  signal_first_process: () => process.kill(1, 0),
  read_file_outside: ({ folder }) => read(`${folder}/secret`),
  list_folder_outside: ({ folder }) => fs.readdirSync(folder),
  write_file_outside: ({ folder }) => fs.appendFileSync(`${folder}/secret`, "x"),
  make_file_outside: ({ folder }) => fs.writeFileSync(`${folder}/made`, "x", { flag: "wx" }),
  truncate_file_outside: ({ folder }) => fs.truncateSync(`${folder}/truncated`, 1),
  link_file_outside: ({ folder }) => fs.linkSync(`${folder}/secret`, "linked"),
  read_through_symbolic_link: ({ folder }) => {
    fs.symlinkSync(`${folder}/secret`, "symbolic");
    read("symbolic");
  },
  copy_file_outside: ({ folder }) => fs.copyFileSync(`${folder}/secret`, "copied"),
  leave_by_dots: ({ folder }) => read(`${"../".repeat(64)}${folder.slice(1)}/secret`),
  leave_by_own_root: ({ folder }) => read(`/proc/self/root${folder}/secret`),
  leave_by_other_name: ({ folder }) => read(fs.realpathSync(`${folder}/../outside/secret`)),
  rename_file_outside: ({ folder }) => fs.renameSync(`${folder}/renamed`, "renamed"),
  remove_file_outside: ({ folder }) => fs.unlinkSync(`${folder}/removed`),
  read_file_in_shared_temporary_folder: ({ temporary_file }) => read(temporary_file),
  write_file_in_shared_temporary_folder: ({ temporary_file }) => openToWrite(temporary_file),
  list_root_folder: () => fs.readdirSync("/"),
  list_homes: () => fs.readdirSync("/root"),
  read_passwords: () => read("/etc/shadow"),
  write_system_folder: () => fs.writeFileSync("/usr/windlass-probe", "", { flag: "wx" }),
  write_host_names: () => openToWrite("/etc/hosts"),
  overwrite_running_program: () => openToWrite("/proc/self/exe"),
  write_kernel_setting: () => openToWrite("/proc/sys/kernel/hostname"),
  catch_core_dumps: () => openToWrite("/proc/sys/kernel/core_pattern"),
  press_system_keys: () => openToWrite("/proc/sysrq-trigger"),
  spare_itself_from_the_memory_killer: () => openToWrite("/proc/self/oom_score_adj"),
  write_device_setting: () => openToWrite("/sys/kernel/mm/transparent_hugepage/enabled"),
  leave_control_group: () => openToWrite("/sys/fs/cgroup/cgroup.procs"),
  open_kernel_log: () => read("/dev/kmsg"),
  open_machine_memory: () => read("/dev/mem"),
  open_virtual_machines: () => fs.closeSync(fs.openSync("/dev/kvm", "r+")),
  read_kernel_memory: () => read("/proc/kcore"),
  connect_to_unix_socket: ({ socket }) => connects(socket),
  connect_to_abstract_socket: ({ abstract_socket }) => connects(`\0${abstract_socket}`),
  connect_to_container_engine: () => connects("/var/run/docker.sock"),
  listen_on_unix_socket: () => listens("listening"),
  become_root: () => {
    unless(process.getuid() !== 0 || fs.readFileSync("/etc/shadow"));
    process.setuid(0);
  },
  enter_namespaces_of_first_process: () => runs("nsenter", "-t", "1", "-m", "true"),
  make_user_namespace: () => runs("unshare", "-U", "true"),
  make_mount_namespace: () => runs("unshare", "-m", "true"),
  mount_file_system: () => runs("unshare", "-m", "mount", "-t", "tmpfs", "none", "."),
  leave_by_chroot: () => runs("chroot", "/", "true"),
  make_character_device: () => runs("mknod", "device", "c", "1", "1"),
  take_the_processor: () => runs("chrt", "-f", "1", "true"),
  go_before_others: () => runs("nice", "-n", "-5", "sh", "-c", '[ "$(nice)" -lt 0 ]'),
  read_kernel_log: () => runs("dmesg"),
};

const APART = {
  see_other_processes: () => unless(fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length > 8),
  read_shared_memory_of_others: ({ shared_memory }) => read(shared_memory),
  see_system_state: () => fs.statSync("/var/lib"),
};

/** Which attempts got through. */
export async function main(target) {
  const found = {};
  for (const [name, attempt] of Object.entries({ ...PROBES, ...(target.is_apart ? APART : {}) })) {
    try {
      await attempt(target);
      found[name] = true;
    } catch {
      found[name] = false;
    }
  }
  return found;
}
