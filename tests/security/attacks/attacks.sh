# What a hostile Bash job would try; the names are those of `launcher/inside.py`. The tests also run it without a
# sandbox: nothing in here may change more than the target and the folder it runs in.
# shellcheck disable=SC2154
target="$1"
# One value of a flat JSON object.
field() { [[ "$target" =~ \"$1\":\ *\"?([^\",}]*) ]] && echo "${BASH_REMATCH[1]}"; }
worker=$(field worker) folder=$(field folder) temporary=$(field temporary_file) shared=$(field shared_memory)
found=()

attempt() {
  local name="$1" answer=false
  shift
  if ( "$@" ) >/dev/null 2>&1 </dev/null; then answer=true; fi
  found+=("\"$name\": $answer")
}

read_byte() { head -c 1 "$1"; }
writes() { [ -e "$1" ] && : >>"$1"; }
lists() { ls "$1"; }
here() { eval "$1"; }

attempt read_worker_environment read_byte "/proc/$worker/environ"
attempt open_worker_memory here "exec 3<>/proc/$worker/mem"
attempt read_worker_memory_map read_byte "/proc/$worker/maps"
attempt enter_worker_root lists "/proc/$worker/root/"
attempt follow_worker_files readlink "/proc/$worker/fd/0"
attempt read_supervisor_environment read_byte "/proc/$PPID/environ"
attempt open_supervisor_memory here "exec 3<>/proc/$PPID/mem"
attempt enter_supervisor_root lists "/proc/$PPID/root/"
attempt read_first_process_environment read_byte /proc/1/environ
attempt enter_first_process_folder lists /proc/1/cwd/
attempt signal_worker kill -0 "$worker"
attempt signal_supervisor kill -0 "$PPID"
attempt signal_first_process kill -0 1
attempt read_file_outside read_byte "$folder/secret"
attempt list_folder_outside lists "$folder"
attempt write_file_outside writes "$folder/secret"
attempt make_file_outside here "set -C; : >$folder/made"
attempt truncate_file_outside truncate -s 1 "$folder/truncated"
attempt link_file_outside ln "$folder/secret" linked
attempt read_through_symbolic_link here "ln -s $folder/secret symbolic && head -c 1 symbolic"
attempt copy_file_outside cp "$folder/secret" copied
attempt leave_by_dots read_byte "$(printf '../%.0s' {1..64})${folder#/}/secret"
attempt leave_by_own_root read_byte "/proc/self/root$folder/secret"
attempt rename_file_outside mv "$folder/renamed" renamed
attempt remove_file_outside rm "$folder/removed"
attempt read_file_in_shared_temporary_folder read_byte "$temporary"
attempt write_file_in_shared_temporary_folder writes "$temporary"
attempt list_root_folder lists /
attempt list_homes lists /root
attempt read_passwords read_byte /etc/shadow
attempt write_system_folder here "set -C; : >/usr/windlass-probe"
attempt write_host_names writes /etc/hosts
attempt overwrite_running_program writes /proc/self/exe
attempt write_kernel_setting writes /proc/sys/kernel/hostname
attempt catch_core_dumps writes /proc/sys/kernel/core_pattern
attempt press_system_keys writes /proc/sysrq-trigger
attempt spare_itself_from_the_memory_killer writes /proc/self/oom_score_adj
attempt write_device_setting writes /sys/kernel/mm/transparent_hugepage/enabled
attempt leave_control_group writes /sys/fs/cgroup/cgroup.procs
attempt open_kernel_log here "exec 3</dev/kmsg"
attempt open_machine_memory here "exec 3</dev/mem"
attempt open_virtual_machines here "exec 3<>/dev/kvm"
attempt read_kernel_memory read_byte /proc/kcore
attempt enter_namespaces_of_first_process nsenter -t 1 -m true
attempt make_user_namespace unshare -U true
attempt make_mount_namespace unshare -m true
attempt mount_file_system unshare -m mount -t tmpfs none .
attempt leave_by_chroot chroot / true
attempt make_character_device mknod device c 1 1
attempt take_the_processor chrt -f 1 true
attempt go_before_others here '[ "$(nice -n -5 nice)" -lt "$(nice)" ]'
attempt become_root setpriv --reuid 0 --clear-groups head -c 1 /etc/shadow
attempt read_kernel_log dmesg
attempt raise_own_limit here 'h=$(ulimit -Hn); ulimit -Hn $((h + 1))'
attempt dump_core here '[ "$(ulimit -Hc)" != 0 ]'
if [ "$(field is_apart)" = true ]; then
  attempt see_other_processes here '[ "$(ls -d /proc/[0-9]* | wc -l)" -gt 8 ]'
  attempt read_shared_memory_of_others read_byte "$shared"
  attempt change_folder_outside cd "$folder/.."
  attempt change_mode_outside chmod 600 "$folder/secret"
  attempt change_time_outside touch "$folder/secret"
  attempt see_system_state stat /var/lib
fi
(IFS=,; echo "{${found[*]}}")
