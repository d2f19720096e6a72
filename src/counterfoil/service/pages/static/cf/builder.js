// The rule editor: words offered at the caret, and a fault's line shown in the text.
const field = document.querySelector('[data-complete]')
const list = document.getElementById('offer')
const known = JSON.parse(document.getElementById('words')?.textContent ?? '{}')

function before() {
  const upto = field.value.slice(0, field.selectionStart)
  const line = upto.slice(upto.lastIndexOf('\n') + 1)
  const word = /[A-Za-z0-9_.]*$/.exec(line)[0]
  return { line, word }
}

function clauses() {
  return [...field.value.matchAll(/^\[facts\.([A-Za-z0-9_]+)\]/gm)].map((found) => found[1])
}

function offered() {
  const { line, word } = before()
  let words
  if (/^\s*[A-Za-z0-9_]*$/.test(line)) words = known.settings
  else if (/^\s*(when|at_risk|driver|taking|unless)\s*=/.test(line)) words = clauses()
  else if (/^\s*(issued|driver_set|drug)\s*=/.test(line)) words = known['drug sets']
  else words = [...known['code sets'], ...known['drug sets'], ...known.values]
  const small = word.toLowerCase()
  return words.filter((one) => one.startsWith(small) && one !== word).slice(0, 12)
}

function close() {
  list.hidden = true
  field.removeAttribute('aria-activedescendant')
}

function choose(text) {
  const { word } = before()
  const end = field.selectionStart
  field.setRangeText(text, end - word.length, end, 'end')
  close()
  field.focus()
}

function mark(step) {
  const items = [...list.children]
  const now = items.findIndex((item) => item.getAttribute('aria-selected') === 'true')
  const next = (now + step + items.length) % items.length
  items.forEach((item, n) => item.setAttribute('aria-selected', String(n === next)))
  items[next].scrollIntoView({ block: 'nearest' })
  field.setAttribute('aria-activedescendant', items[next].id)
}

function open() {
  const words = offered()
  if (!words.length) return close()
  list.replaceChildren(...words.map((text, n) => {
    const item = document.createElement('li')
    item.id = `offer-${n}`
    item.setAttribute('role', 'option')
    item.setAttribute('aria-selected', 'false')
    item.textContent = text
    item.addEventListener('mousedown', (event) => { event.preventDefault(); choose(text) })
    return item
  }))
  const row = field.value.slice(0, field.selectionStart).split('\n').length
  const height = parseFloat(getComputedStyle(field).lineHeight)
  list.style.top = `${field.offsetTop + 10 + row * height - field.scrollTop}px`
  list.hidden = false
  mark(1)
}

function show(line) {
  const lines = field.value.split('\n')
  const start = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0)
  field.focus()
  field.setSelectionRange(start, start + lines[line - 1].length)
  field.scrollTop = Math.max(0, (line - 6) * parseFloat(getComputedStyle(field).lineHeight))
}

if (field && list) {
  field.setAttribute('aria-controls', 'offer')
  field.addEventListener('keydown', (event) => {
    if (event.ctrlKey && event.key === ' ') { event.preventDefault(); return open() }
    if (list.hidden) return
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      mark(event.key === 'ArrowDown' ? 1 : -1)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      choose(list.querySelector('[aria-selected=true]').textContent)
    } else if (event.key === 'Escape') close()
  })
  field.addEventListener('input', () => { if (before().word.length > 1) open(); else close() })
  field.addEventListener('blur', close)
  for (const link of document.querySelectorAll('[data-line]')) {
    if (link.tagName === 'A') link.addEventListener('click', (event) => { event.preventDefault(); show(Number(link.dataset.line)) })
  }
}
