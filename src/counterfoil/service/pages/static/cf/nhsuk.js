// The design system's own behaviour: error summaries, double clicks, skip link.
import { initAll } from '../nhsuk/nhsuk-frontend.min.js'

initAll()
