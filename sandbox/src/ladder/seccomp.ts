/**
 * System calls that nothing in a session needs, an inner Docker engine included, and that widen what a hostile one can reach of the kernel. With the
 * capabilities that an inner engine asks for, Docker's default profile refuses these too, and `keyctl` and `pivot_root`, which the engine needs.
 */
const refused = [
  // The machine: modules, other kernels, power, clocks, ports, swap.
  ...['init_module', 'finit_module', 'delete_module', 'create_module', 'query_module', 'get_kernel_syms'],
  ...['kexec_load', 'kexec_file_load', 'reboot', 'swapon', 'swapoff', 'acct', 'quotactl', 'quotactl_fd', 'vhangup', 'syslog'],
  ...['settimeofday', 'clock_settime', 'clock_settime64', 'stime', 'iopl', 'ioperm', 'nfsservctl', 'uselib', 'ustat', 'sysfs', '_sysctl'],
  // Ways around mount namespaces.
  ...['open_by_handle_at', 'name_to_handle_at', 'lookup_dcookie'],
  // Keys of other sessions of the same user.
  ...['add_key', 'request_key'],
  // Large and often broken parts of the kernel.
  ...['bpf', 'perf_event_open', 'userfaultfd', 'io_uring_setup', 'io_uring_enter', 'io_uring_register', 'vm86', 'vm86old'],
  ...['kcmp', 'process_vm_readv', 'process_vm_writev', 'fanotify_init', 'move_pages', 'migrate_pages', 'set_mempolicy', 'mbind'],
]

const refusedErrno = 1

/** A seccomp profile as Docker takes it. */
export const innerDockerSeccomp = JSON.stringify({
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  syscalls: [{ names: refused, action: 'SCMP_ACT_ERRNO', errnoRet: refusedErrno }],
})
