const nal = { sps: 7, pps: 8, delimiter: 9, filler: 12 } as const
const highProfiles = new Set([100, 110, 122, 144])

/** The units of an access unit in Annex B, without their start codes; they share its memory. */
export function* unitsOf(annexB: Uint8Array): Generator<Uint8Array> {
  let from = -1
  for (let at = 0; at + 2 < annexB.length; at += 1) {
    if (annexB[at] !== 0 || annexB[at + 1] !== 0 || annexB[at + 2] !== 1) continue
    if (from !== -1) yield withoutTail(annexB.subarray(from, at))
    from = at + 3
    at += 2
  }
  if (from !== -1 && from < annexB.length) yield withoutTail(annexB.subarray(from))
}

/** Zeros behind a unit belong to the next start code. */
function withoutTail(unit: Uint8Array): Uint8Array {
  let end = unit.length
  while (end > 0 && unit[end - 1] === 0) end -= 1
  return unit.subarray(0, end)
}

const typeOf = (unit: Uint8Array): number => (unit[0] ?? 0) & 31

/** The access unit with lengths in the place of start codes, and what its parameter sets say; null `avcC`: it has none. Copies. */
export function toSample(annexB: Uint8Array): { bytes: Uint8Array; avcC: Uint8Array | null } {
  const units = [...unitsOf(annexB)].filter((unit) => unit.length > 0 && typeOf(unit) !== nal.delimiter && typeOf(unit) !== nal.filler)
  const bytes = new Uint8Array(units.reduce((sum, unit) => sum + 4 + unit.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const unit of units) {
    view.setUint32(at, unit.length)
    bytes.set(unit, at + 4)
    at += 4 + unit.length
  }
  const sps = units.find((unit) => typeOf(unit) === nal.sps)
  const pps = units.find((unit) => typeOf(unit) === nal.pps)
  return { bytes, avcC: sps === undefined || pps === undefined || sps.length < 4 ? null : configurationOf(sps, pps) }
}

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15). The capture encodes 4:2:0 with 8 bits. */
function configurationOf(sps: Uint8Array, pps: Uint8Array): Uint8Array {
  const profile = sps[1] ?? 0
  const lengths = (unit: Uint8Array): number[] => [unit.length >> 8, unit.length & 255]
  const more = highProfiles.has(profile) ? [0xfd, 0xf8, 0xf8, 0] : []
  return Uint8Array.from([1, profile, sps[2] ?? 0, sps[3] ?? 0, 0xff, 0xe1, ...lengths(sps), ...sps, 1, ...lengths(pps), ...pps, ...more])
}
