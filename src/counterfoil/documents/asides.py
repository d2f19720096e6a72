"""Words beside a dose: those that take the line back, those that limit it, and the harmless ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from counterfoil.documents.names import first_name, look_up
from counterfoil.documents.states import RESULT
from counterfoil.documents.wording import pattern
from counterfoil.terminology import Match

_TAKEN_BACK = re.compile(
    r"\b(?:(?:crossed|struck|scored|ruled) (?:out|through)|strike ?through|deleted?|void(?:ed)?|erased|"
    r"refus\w+|declin\w+|non-?complian\w+|non-?adheren\w+|nil by mouth|nbm|finished|ended|expired|no longer|"
    r"(?:not|never|isn['’]t|wasn['’]t|doesn['’]t|does not|hasn['’]t)(?: \w+)?(?: (?:take[ns]?|taking|given|prescribed|started|required|needed|"
    r"tolerated|using|used|confirmed|on this|for this|this))|wrong (?:patient|drug|medic\w+|dose|person)|"
    r"(?:in|by|an|charted in) error|mistake\w*|query|queried|unsure|unconfirmed|tbc|to be confirmed|"
    r"allergic|allergy|intoleran\w+|anaphyla\w+|adverse reaction|overdos\w+|contra-?indicated)\b",
    re.IGNORECASE,
)
"""Words after which a listed medicine is perhaps not this patient's, or not to be taken."""
_SOMEBODY = re.compile(
    r"\b(?:(?:for|belongs to|given to) (?:(?:his|her|their|the|own) )*(?:mother|mum|father|dad|wife|husband|son|daughter|"
    r"sister|brother|partner|spouse|child|dog|cat)|(?:mother|father|wife|husband|partner|son|daughter)['’]s)\b",
    re.IGNORECASE,
)
"""Words after which a listed medicine is another person's."""
_OTHERS_ALLERGY = re.compile(
    r"no(?: known)?(?: drug)? allerg\w+|(?:allerg\w+|intoleran\w+|anaphyla\w+)\s+(?:to|of|with)\s+\w+",
    re.IGNORECASE,
)
_CROSSED = re.compile(r"(?<=[a-z)\d])\s*[\s(\[]\s*(?:x|✗|✘|❌)\s*[)\]]?\s*$", re.IGNORECASE)
"""A cross at the end of a line: of one who filled in a form, or of one who crossed it out."""
_ABOUT_IT = re.compile(
    r"\W*(?:levels?|deficien\w+|low|raised|high|replete\w*|overload|stud\w+)\b", re.I
)
"""Behind the name of a substance: a result, and no medicine."""


_BESIDE = re.compile(
    r"\b(?:in place of|instead of|replac\w+|rather than|on|with|alongside|plus|and|for|from)\s+(?:(?:the|her|his|their) )?$",
    re.IGNORECASE,
)
"""Before the name of another medicine that is taken beside this one, or was before it."""


def taken_back(
    dose_text: str, words: Iterable[str], reasons: Iterable[str], product: Match
) -> list[str]:
    """Why a line that lists a medicine to be taken does not plainly say so."""
    found = [f"The line says “{r.strip()}”." for r in reasons if _SOMEBODY.search(r)]
    for text in words:
        if pattern("remarks", "request").search(text):
            continue
        plain = _OTHERS_ALLERGY.sub(" ", text)
        if _TAKEN_BACK.search(plain) or _SOMEBODY.search(plain):
            found.append(f"The line lists it, and says “{text.strip()}”.")
            continue
        other = other_medicine(text, product)
        if other and not _BESIDE.search(text[: text.index(other)]):
            found.append(f"The line also names {other}.")
    if _CROSSED.search(dose_text):
        found.append("A cross stands behind the dose.")
    return found


_STOP_OF = re.compile(
    r"\b(?:stop(?:ped|ping|s)?|hold|withhold|withheld|held|discontinued?|ceased?|omit(?:ted)?|suspend(?:ed)?)\s+"
    r"(?:(?:the|her|his|their|taking|any|all|of)\s+)*$",
    re.IGNORECASE,
)


def stops_another(text: str, product: Match) -> list[str]:
    """Why words beside a medicine that is listed as stopped may stop another: they name it."""
    other = other_medicine(text, product)
    if other and _STOP_OF.search(text[: text.index(other)]):
        return [f"Whether it or {other} was stopped is not clear."]
    return []


def other_medicine(text: str, product: Match) -> str:
    """The first other medicine that words name; empty where they name none."""
    name = first_name(text)
    while name is not None:
        words = text[name.start : name.end]
        others = set(look_up(words).ingredients)
        about = _ABOUT_IT.match(text, name.end) or re.search(
            r"\b(?:low|raised|high)\s*$", text[: name.start], re.I
        )
        if others and not about and not others & set(product.ingredients):
            return words
        name = first_name(text, name.end)
    return ""


@lru_cache(maxsize=4096)
def harmless(comment: str) -> bool:
    """Whether every word of a remark is one that changes nothing about what is taken."""
    if "?" in comment:
        return False
    for text in comment.split("; "):
        if RESULT.match(text) or pattern("remarks", "nothing").match(text):
            continue
        left = pattern("remarks", "harmless").sub(" ", text)
        left = pattern("remarks", "supply").sub(" ", left)
        words = re.findall(r"[a-z][a-z'’]*|\d+", left.lower())
        if not all(w in _PLAIN or w.removesuffix("s") in _PLAIN for w in words):
            return False
    return True


_WORDS = (
    # what it is for
    "for of the a an and with from take to in his her as per by on treatment prevention control relief management prophylaxis "
    "primary secondary acute chronic mild moderate severe recurrent known history stable left right both bilateral "
    "blood pressure bp hypertension htn hypertensive angina heart failure hf hfref ccf chf cardiac rate rhythm af "
    "atrial fibrillation ihd mi acs nstemi stemi stroke tia cva pvd dvt pe vte thrombosis clot cholesterol lipid "
    "hyperlipidaemia hypercholesterolaemia copd asthma breathing breathlessness wheeze cough chest lung preventer "
    "reliever oedema swelling fluid ankle kidney renal ckd protection diabetes diabetic dm t2dm t1dm type sugar "
    "thyroid hypothyroidism underactive hyperthyroidism overactive bone bones osteoporosis arthritis rheumatoid "
    "osteoarthritis gout polymyalgia rheumatica pmr ra oa pain painkiller neuropathic nerve back joint headache "
    "migraine nausea vomiting sickness dizziness vertigo reflux gord indigestion acid stomach gastroprotection "
    "gastro ppi ulcer dyspepsia bowel constipation laxative diarrhoea ibs colitis ibd crohn mood depression anxiety "
    "sleep insomnia agitation bipolar schizophrenia psychosis dementia memory epilepsy seizure fit parkinson "
    "disease restless leg spasm bladder urge incontinence prostate bph luts urinary uti retention infection "
    "cellulitis skin eczema psoriasis dermatitis rash itch itching dry eye eyes glaucoma mouth thrush hay fever rhinitis anaemia iron "
    "folate folic vitamin deficiency supplement supplementation replacement nutrition contraception hrt menopause hot flush "
    "cramp tremor menstrual cancer breast "
    # what it is
    "ace inhibitor beta blocker statin diuretic water tablet thinner anticoagulant antiplatelet "
    "antidepressant antihypertensive analgesia analgesic antibiotic inhaled inhaler spacer via peg ng tube "
    # how it comes and who has it
    "community pharmacy pharmacist chemist patient's own drug medicines blister pack box dosette tray compliance aid "
    "card yellow book leaflet counselled commonly called brand caps tabs tablets capsules oral yes y gp "
    "self administering administered carer nurse district see note sf shared care agreement place noted check checked "
    "summary record confirmed verified source scr emis systmone"
)
"""Words of everyday remarks: an indication, a kind of medicine, a supply."""
_PLAIN = frozenset(_WORDS.split())
