import type { Component, Snippet } from 'svelte'

export interface MenuItem {
  label: string
  /** A second line: what it does, or why it cannot be done. */
  hint?: string
  icon?: Component
  danger?: boolean
  disabled?: boolean
  href?: string
  select?: () => void
}

export interface MenuProps {
  label: string
  items: MenuItem[]
  children: Snippet
  class?: string
  align?: 'start' | 'end'
  opened?: (open: boolean) => void
  /** Bindable: a key may open it too. */
  open?: boolean
}

export const menuTrigger =
  'inline-flex h-8 min-w-8 items-center justify-center rounded-md border border-line bg-surface px-2 text-text hover:bg-hover'
