// The page of an import that is under way: looks how it stands, and says so where that changed.
// Without this file the page is asked for again every few seconds, or by its link.

const EVERY = 2000

const look = async () => {
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' } })
    if (!answer.ok || answer.redirected) return location.reload()
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    const now = page.querySelector('[data-waits]')
    if (!now) return location.reload()
    const shown = document.querySelector('[data-waits]')
    if (shown.textContent !== now.textContent) shown.replaceChildren(...now.childNodes)
  } catch {
    // The service is being restarted: it takes the work up again, and so do we.
  }
  setTimeout(look, EVERY)
}

setTimeout(look, EVERY)
