const usualPorts = [80, 443]

/** Whether one of the rules names the host and port. Hosts are compared as DNS does: without case, without the dot at the end. */
export function allowed(rules: readonly string[], host: string, port: number): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return rules.some((rule) => {
    const [, pattern = '', at] = /^(.+?)(?::(\d+))?$/.exec(rule) ?? []
    if (at === undefined ? !usualPorts.includes(port) : Number(at) !== port) return false
    return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern
  })
}
