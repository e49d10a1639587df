import { describe, expect, test } from 'vitest'
import { reanchor, withLineFeeds } from './reanchor.ts'

/** A quote is written «so» in the old text; the answer is written the same way into the new one. */
function follow(marked: string, after: string): { state: string; text: string; shown: string } {
  const offset = marked.indexOf('«')
  const quote = marked.slice(offset + 1, marked.indexOf('»'))
  const { state, start, end } = reanchor(marked.replace(/[«»]/g, ''), { quote, offset }, after)
  const text = start === null || end === null ? '' : after.slice(start, end)
  return { state, text, shown: start === null || end === null ? after : `${after.slice(0, start)}«${text}»${after.slice(end)}` }
}
const is = (state: string, text: string) => ({ state, text })

describe('unchanged', () => {
  test('a document that did not change changes no place', () => {
    expect(follow('# A\n\nThe «server answers» at once.', '# A\n\nThe server answers at once.')).toMatchObject(
      is('unchanged', 'server answers'),
    )
  })
  test('what changed behind the passage does not matter', () => {
    expect(follow('The «server answers» at once.', 'The server answers after a while, or not.')).toMatchObject(
      is('unchanged', 'server answers'),
    )
  })
  test('a passage at the very start and one at the very end are found', () => {
    expect(follow('«Start» of it all', 'Start of it all!')).toMatchObject(is('unchanged', 'Start'))
    expect(follow('it all has an «end»', 'it all has an end')).toMatchObject(is('unchanged', 'end'))
  })
})

describe('moved', () => {
  test('a paragraph that comes before pushes it down', () => {
    const { shown, state } = follow('# A\n\nThe «server answers» at once.', '# A\n\nNew words.\n\nThe server answers at once.')
    expect([state, shown]).toEqual(['moved', '# A\n\nNew words.\n\nThe «server answers» at once.'])
  })
  test('a section that changed its place is followed', () => {
    const one = '## One\n\nFirst thing to say here.\n\n'
    const two = '## Two\n\nSecond «thing to say» here.\n\n'
    const { shown, state } = follow(one + two, two.replace(/[«»]/g, '') + one)
    expect([state, shown]).toEqual(['moved', two + one])
  })
  test('of words that stand several times those with the same surroundings are meant', () => {
    const before = '- alpha: send mail\n- beta: send «mail»\n- gamma: send mail\n'
    expect(follow(before, '- zero: send mail\n- alpha: send mail\n- beta: send mail\n- gamma: send mail\n').shown).toBe(
      '- zero: send mail\n- alpha: send mail\n- beta: send «mail»\n- gamma: send mail\n',
    )
  })
  test('equal lines that moved by their own length are not taken for each other', () => {
    const before = 'apples\n- [ ] write tests\nplums\n- [ ] «write tests»\npears and quinces\n'
    const after = 'plums and more\n- [ ] write tests\nbread\n- [ ] write tests\nplums\n- [ ] write tests\npears and quinces\n'
    expect(follow(before, after).shown).toBe(after.replace(/write tests\npears/, '«write tests»\npears'))
  })
  test('emoji and composed letters before it move it by the units they take', () => {
    expect(follow('Größe: «zwölf Äpfel» im Korb', 'Die 👩‍👩‍👧 sagt: Größe: zwölf Äpfel im Korb')).toMatchObject(is('moved', 'zwölf Äpfel'))
  })
  test('right-to-left and unspaced scripts are followed', () => {
    expect(follow('الخادم «يجيب فورا» دائما', 'مقدمة جديدة. الخادم يجيب فورا دائما')).toMatchObject(is('moved', 'يجيب فورا'))
    expect(follow('服务器«立即回答»请求', '新的开头。服务器立即回答请求')).toMatchObject(is('moved', '立即回答'))
  })
})

describe('changed', () => {
  test('other words inside it are shown where they stand', () => {
    const before = 'Intro.\n\n«The server shall answer each request within two seconds of its arrival.»\n\nEnd.'
    const after = 'Intro.\n\nThe server shall answer each request within five seconds of its arrival.\n\nEnd.'
    expect(follow(before, after)).toMatchObject(is('changed', 'The server shall answer each request within five seconds of its arrival'))
  })
  test('a passage that moved and changed is found by its words', () => {
    const before = '## One\n\nNothing here.\n\n## Two\n\n«The cache keeps answers for an hour and then drops them.»\n'
    const after = '## Two\n\nThe cache keeps all answers for a day and then drops them.\n\n## One\n\nNothing here.\n'
    expect(follow(before, after)).toMatchObject(is('changed', 'The cache keeps all answers for a day and then drops them'))
  })
  test('a word at its end that is another one now belongs to it, what follows on the next line does not', () => {
    const before = 'The program shall «end with code 2»\nand say why it does so.'
    expect(follow(before, 'The program shall end with code 64\nand say why it does so.')).toMatchObject(is('changed', 'end with code 64'))
    expect(follow(before, 'The program shall end with code\nand say why it does so.')).toMatchObject(is('changed', 'end with code'))
  })
  test('a paragraph that was wrapped anew is the same words', () => {
    expect(follow('Text: «one two three four\nfive six» end', 'Text: one two three\nfour five six end')).toMatchObject({
      state: 'changed',
      text: 'one two three\nfour five six',
    })
  })
  test('a single word that was replaced is found between its neighbours', () => {
    expect(
      follow('We keep the answers for «three» days and then we drop', 'We keep the answers for ten days and then we drop'),
    ).toMatchObject(is('changed', 'ten'))
  })
  test('letters of other scripts count as words', () => {
    const before = '«Сервер отвечает на каждый запрос в течение двух секунд» всегда'
    expect(follow(before, 'Теперь сервер отвечает на каждый запрос в течение пяти секунд всегда')).toMatchObject({ state: 'changed' })
    expect(follow('说明：«服务器在两秒内回答每个请求»。', '说明如下：服务器在五秒内回答每个请求。')).toMatchObject(
      is('changed', '服务器在五秒内回答每个请求'),
    )
  })
})

describe('gone', () => {
  test('a passage that was deleted is nowhere', () => {
    expect(follow('Keep this.\n\n«Drop all of these words.»\n\nAnd this.', 'Keep this.\n\nAnd this.')).toMatchObject(is('gone', ''))
  })
  test('a word between the same neighbours that was deleted is gone', () => {
    expect(follow('We keep the answers for «three» days and then we drop', 'We keep the answers for days and then we drop').state).toBe(
      'gone',
    )
  })
  test('one small word elsewhere is not the passage', () => {
    expect(follow('Say «the» word again', 'Nothing of it is left but the rest, the end, the last').state).toBe('gone')
  })
  test('a document that is empty now, and one that is something else, have nothing of it', () => {
    expect(follow('All «of these words» here', '').state).toBe('gone')
    expect(follow('All «of these words here and there» now', 'Lorem ipsum dolor sit amet consectetur').state).toBe('gone')
  })
  test('a few common words in another order are not the passage', () => {
    const before = '«The reader opens the file and the writer closes the pipe.»'
    expect(follow(before, 'Closing: to be decided. Unrelated pipe dreams of readers, somewhere, the whole night long.').state).toBe('gone')
  })
})

test('Windows line ends count as one character', () => {
  expect(withLineFeeds('a\r\nb\rc\n')).toBe('a\nb\nc\n')
})

test('a large document is followed in a moment', () => {
  const lines = Array.from({ length: 8000 }, (_, index) => `Line ${index} says something about the number ${index * 7}.`)
  const before = lines.join('\n')
  const quote = lines.slice(4000, 4040).join('\n')
  const changed = [...lines.slice(0, 100), 'More.', ...lines.slice(100)].map((line) => line.replace('about', 'on'))
  const answer = reanchor(before, { quote, offset: before.indexOf(quote) }, changed.join('\n'))
  expect(answer.state).toBe('changed')
  expect(
    changed
      .join('\n')
      .slice(answer.start ?? 0)
      .startsWith('Line 4000 says'),
  ).toBe(true)
})
