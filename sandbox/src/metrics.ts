import { pressureLevels } from '@helix/contract/pressure'
import type { Context } from './context.ts'

interface Metric {
  name: string
  help: string
  /** Labels as they stand between the braces, and the value. */
  values: [labels: string, value: number][]
}

/** In the text format of Prometheus. */
export function metricsOf({ pressure, monitor, registry, descriptors, link }: Context): string {
  const gauges = pressure.measured
  const level = pressure.state === null ? 0 : pressureLevels.indexOf(pressure.state.level) + 1
  const labels = ({ what, of }: { what: string; of: string }): string => `what="${what}",of="${of.replaceAll(/["\\]/g, '')}"`
  const all: Metric[] = [
    { name: 'helix_host_sessions', help: 'Sessions that run here', values: [['', registry.size]] },
    { name: 'helix_host_capacity', help: 'Sessions that may run here at once', values: [['', monitor.capacity]] },
    { name: 'helix_host_linked', help: 'The control plane hears this host', values: [['', link?.welcomed ? 1 : 0]] },
    {
      name: 'helix_host_pressure_level',
      help: '0: room for all; 1: refuses, 2: gives up caches, 3: suspends the idle, 4: suspends the largest',
      values: [['', level]],
    },
    { name: 'helix_host_free', help: 'Bytes, or files, that are free', values: gauges.map((one) => [labels(one), one.free]) },
    { name: 'helix_host_total', help: 'Bytes, or files, that there are', values: gauges.map((one) => [labels(one), one.total]) },
    { name: 'helix_host_reserve', help: 'Below this it is short', values: gauges.map((one) => [labels(one), one.reserve]) },
    {
      name: 'helix_host_open_descriptors',
      help: 'Descriptors of this process',
      values: descriptors.now === null ? [] : [['', descriptors.now.open]],
    },
  ]
  return all.map(textOf).join('')
}

function textOf({ name, help, values }: Metric): string {
  if (values.length === 0) return ''
  const lines = values.map(([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`
}
