package dev.lockstep.jinja.rendering;

/**
 * One rendering of a template and how much of it is still allowed. A template comes with a checkpoint from anywhere, so
 * everything that can grow with what it says asks here first, before it takes time or memory.
 */
public final class Rendering {
    /** Calls, blocks and expressions within one another; Python ends a macro that calls itself near 250 calls. */
    static final int DEEPEST = 1000;

    private static final long STEPS = 1_000_000;
    private static final long MOST_STEPS = 400_000_000;
    private static final long CHARACTERS = 10_000_000;
    private static final long MOST_CHARACTERS = 1_000_000_000;

    private final long allowedSteps;
    private final long allowedCharacters;
    private long steps;
    private long characters;
    private int depth;
    private boolean autoescape;

    /**
     * Real templates look at each message once, or at all messages for each of them, and some do so for characters; what
     * is allowed follows from that.
     *
     * @param items      of the longest list in what the template gets
     * @param characters of all texts in it
     */
    public Rendering(long items, long characters) {
        double many = items;
        double text = characters;
        this.allowedSteps = STEPS + (long) Math.min(MOST_STEPS, 1000 * many + 10 * many * many + 20 * text);
        this.allowedCharacters = CHARACTERS + (long) Math.min(MOST_CHARACTERS, 100 * text + many * text);
    }

    /** Whether {@code {% autoescape %}} is on where the rendering stands. */
    public boolean autoescapes() {
        return autoescape;
    }

    /** Turns {@code {% autoescape %}} on or off, from where the rendering stands. */
    public void autoescape(boolean on) {
        autoescape = on;
    }

    /** Says that one step comes now, see {@link #steps}. */
    public void step() {
        steps(1);
    }

    /** Says that so many steps, of a few dozen machine instructions each, come now. */
    public void steps(long count) {
        steps += count;
        if (steps > allowedSteps || count < 0) {
            throw new TemplateException("it takes more than " + allowedSteps
                    + " steps for this conversation, so some loop or macro of it goes on for too long");
        }
    }

    /** Says that all of a text will be looked at. */
    public void reads(String text) {
        steps(text.length() / 32);
    }

    /** Says that so many characters, or a list of an eighth as many items, will be made now. */
    public void characters(long count) {
        characters += count;
        if (characters > allowedCharacters || count < 0) {
            throw new TemplateException("it makes more than " + allowedCharacters
                    + " characters for this conversation, so some text or list of it grows too long");
        }
    }

    /** Says that a list of so many items will be made now. */
    public void items(long count) {
        characters(Math.multiplyExact(8, Math.min(count, Integer.MAX_VALUE)));
    }

    /** Says that something begins within what is going on, such as a call or a nested list; {@link #leave} ends it. */
    public void enter() {
        step();
        if (++depth > DEEPEST) {
            throw new TemplateException("the template calls itself without an end");
        }
    }

    /** Not called when an exception ends the rendering. */
    public void leave() {
        depth--;
    }
}
