import { getDefaults, Lexer, type Token, Tokenizer, type Tokens, type TokensList } from 'marked'

/** Lists in quotes in lists, and emphasis in links in emphasis: deeper is not written by anybody, and each level costs the stack and a look at the rest. */
const deepest = 24
/** Units: characters of one paragraph, heading or cell, and of one word in it: some rules look at the whole rest from every character. */
const longestPassage = 10_000
const longWord = /[!-~]{2000}/

const plain = (src: string): Token => ({ type: 'text', raw: src, text: src })

/** A quote whose last lines have no mark is read again from its innermost level outwards, past the lexer. */
class BoundedTokenizer extends Tokenizer {
  private depth = 0

  override blockquote(src: string): Tokens.Blockquote | undefined {
    if (this.depth === deepest) return undefined
    this.depth++
    try {
      return super.blockquote(src)
    } finally {
      this.depth--
    }
  }
}

/** What nobody writes is shown as text, so that no source can keep a page, or the process that renders pages, busy for long. */
class BoundedLexer extends Lexer {
  private blockDepth = 0
  private inlineDepth = 0

  override blockTokens(src: string, tokens?: Token[], lastParagraphClipped?: boolean): Token[]
  override blockTokens(src: string, tokens?: TokensList, lastParagraphClipped?: boolean): TokensList
  override blockTokens(src: string, tokens: Token[] = [], lastParagraphClipped?: boolean): Token[] {
    if (this.blockDepth === deepest) {
      tokens.push(plain(src))
      return tokens
    }
    this.blockDepth++
    try {
      return super.blockTokens(src, tokens, lastParagraphClipped)
    } finally {
      this.blockDepth--
    }
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    if (this.inlineDepth === deepest || src.length > longestPassage || longWord.test(src)) {
      tokens.push(plain(src))
      return tokens
    }
    this.inlineDepth++
    try {
      return super.inlineTokens(src, tokens)
    } finally {
      this.inlineDepth--
    }
  }
}

/** The tokens of GitHub's Markdown, in time that grows with the source alone. */
export const tokensOf = (source: string): Token[] => new BoundedLexer({ ...getDefaults(), tokenizer: new BoundedTokenizer() }).lex(source)
