// Product names while somebody types one. Without this file the name is looked up when the form is sent.

for (const box of document.querySelectorAll('[data-suggest]')) {
  const list = document.getElementById(box.getAttribute('list'))
  let wait = 0
  let asked = ''
  box.addEventListener('input', () => {
    clearTimeout(wait)
    const words = box.value.trim()
    if (!/^[a-z]{2}/i.test(words) || words === asked) return // a number is never sent in an address
    wait = setTimeout(async () => {
      asked = words
      const answer = await fetch(`${box.dataset.suggest}?q=${encodeURIComponent(words)}`).catch(() => null)
      if (!answer || !answer.ok || words !== box.value.trim()) return
      const { names } = await answer.json()
      list.replaceChildren(...names.map((name) => Object.assign(document.createElement('option'), { value: name })))
    }, 200)
  })
}

// The answer takes the focus, so that it is read out.
document.querySelector('[data-answer]')?.focus({ preventScroll: true })
