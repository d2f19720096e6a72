// What the pages do beyond links and forms. Everything works without this file.

const dialog = document.getElementById('keys')
const status = document.getElementById('said')
const say = (words) => { if (status) status.textContent = words }

// Copy buttons: the NHS number without spaces.
for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue
  button.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy)
    const words = button.firstChild.textContent
    button.firstChild.textContent = 'Copied'
    say('Copied')
    setTimeout(() => { button.firstChild.textContent = words }, 2000)
  })
}

// One form open at a time in a row of actions; the first box of an opened one is ready to type in.
for (const act of document.querySelectorAll('.cf-act')) {
  act.addEventListener('toggle', () => {
    if (!act.open) return
    for (const other of act.parentElement.querySelectorAll('.cf-act[open]')) if (other !== act) other.open = false
  })
}

// A further line in a question brings its own words.
for (const button of document.querySelectorAll('[data-tick-all]')) {
  button.hidden = false
  button.addEventListener('click', () => {
    for (const box of button.closest('fieldset').querySelectorAll('input[type=checkbox]:not(:checked)')) box.click()
  })
}
for (const box of document.querySelectorAll('[data-adds]')) {
  box.addEventListener('change', () => {
    const text = box.form.querySelector('textarea')
    const bare = text.value.replace(box.dataset.adds, '')
    text.value = box.checked ? bare + box.dataset.adds : bare
  })
}

// The letter: light the words of the line that has the focus or the pointer.
const sheet = document.querySelector('[data-sheet]')
const light = (item, scroll) => {
  if (!sheet || !item) return
  const whole = sheet.parentElement // the words, and the pages as pictures below them
  for (const mark of whole.querySelectorAll('.cf-lit')) mark.classList.remove('cf-lit')
  const marks = whole.querySelectorAll(`[data-line="${CSS.escape(item.dataset.lights)}"]`)
  for (const mark of marks) mark.classList.add('cf-lit')
  if (scroll && marks[0]) {
    const place = marks[0].getBoundingClientRect()
    const box = sheet.getBoundingClientRect()
    if (place.top < box.top || place.bottom > box.bottom) {
      sheet.scrollTop += place.top - box.top - box.height / 3
    }
  }
}
for (const item of document.querySelectorAll('[data-lights]')) {
  item.addEventListener('focusin', () => light(item, true))
  item.addEventListener('mouseenter', () => light(item, true))
}
if (sheet) {
  sheet.addEventListener('click', (event) => {
    const mark = event.target.closest('[data-line]')
    const item = mark && document.getElementById(`f-${mark.dataset.line}`)
    if (item) { open(item); item.scrollIntoView({ block: 'center' }); item.focus({ preventScroll: true }) }
  })
}

// An address that names a place inside something folded opens it, and the place gets the focus.
function open (element) {
  for (let e = element; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true
}
function arrive () {
  const place = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (!place) return
  open(place)
  if (place.tagName === 'DETAILS') place.open = true
  const target = place.tagName === 'TR' ? place.querySelector('[data-open]') : place
  if (target && (target.tabIndex >= 0 || target.hasAttribute('tabindex'))) {
    target.focus({ preventScroll: true })
    place.scrollIntoView({ block: 'nearest' })
  }
}
addEventListener('hashchange', arrive)
arrive()

// Single keys, unless switched off; never while typing, never with a modifier.
const rows = () => [...document.querySelectorAll('[data-rows] [data-open], [data-item]')]
  .filter((e) => e.checkVisibility ? e.checkVisibility() : true)
const current = () => {
  const here = document.activeElement
  return rows().find((row) => row === here || row.contains(here))
}
function move (step) {
  const all = rows()
  if (!all.length) return
  const at = all.indexOf(current())
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)]
  next.focus({ preventScroll: true })
  next.scrollIntoView({ block: 'nearest' })
}
function act (selector) {
  const place = current() || document.querySelector('[data-item]')
  const found = place && place.querySelector(selector)
  if (!found) return
  if (found.tagName === 'DETAILS') {
    found.open = true
    const first = found.querySelector('textarea, select, input:not([type=hidden])')
    if (first) first.focus()
  } else found.focus()
}
const press = (key) => { const e = document.querySelector(`[data-key="${key}"]`); if (e) e.click() }
const bound = {
  j: () => move(1),
  k: () => move(-1),
  d: () => act('[data-decide]'),
  h: () => act('[data-hand-over]'),
  a: () => press('a'),
  n: () => press('n'),
  '/': () => {
    const box = document.querySelector('[data-search]')
    if (box) box.focus()
    else location.assign('/patients/')
  },
  '?': () => { if (dialog && !dialog.open) dialog.showModal() }
}
if (dialog && dialog.dataset.keys === 'on') {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || dialog.open) return
    if (event.target.closest('input, textarea, select, [contenteditable]')) return
    const what = bound[event.key]
    if (!what) return
    event.preventDefault()
    what()
  })
  const link = document.querySelector('[data-key="?"]')
  if (link) link.addEventListener('click', (event) => { event.preventDefault(); dialog.showModal() })
}
if (location.pathname === '/patients/') {
  const box = document.querySelector('[data-search]')
  if (box && !document.querySelector('.nhsuk-error-summary')) box.focus()
}
