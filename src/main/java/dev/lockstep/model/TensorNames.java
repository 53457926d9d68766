package dev.lockstep.model;

import java.util.ArrayList;
import java.util.List;

/**
 * The names that a checkpoint's tensors have, beside those that the decoder knows them by, which are Llama's on the Hugging
 * Face hub.
 *
 * @param different what stands in a stored name in the place of what, tried in this order; of several that stand for the
 *                  same, the first is what messages name
 */
public record TensorNames(List<Part> different) {
    /** Llama's own. */
    public static final TensorNames LLAMA = of();

    /** A part of a name: a beginning, where it ends with a dot, or whole words between dots. */
    public record Part(String stored, String model) {}

    public TensorNames {
        different = List.copyOf(different);
    }

    /** @param pairs stored and model by turns */
    public static TensorNames of(String... pairs) {
        Part[] parts = new Part[pairs.length / 2];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = new Part(pairs[2 * i], pairs[2 * i + 1]);
        }
        return new TensorNames(List.of(parts));
    }

    /** These, and then others of what they give. */
    public TensorNames and(TensorNames others) {
        List<Part> both = new ArrayList<>(different);
        both.addAll(others.different);
        return new TensorNames(both);
    }

    /** The decoder's name of a stored tensor. */
    public String model(String stored) {
        String name = stored;
        for (Part part : different) {
            name = replaced(name, part.stored, part.model);
        }
        return name;
    }

    /** The stored name of one of the decoder's tensors or modules. */
    public String stored(String model) {
        String name = model;
        for (int i = different.size() - 1; i >= 0; i--) {
            String stored = different.get(i).stored;
            String own = different.get(i).model;
            boolean first = different.subList(0, i).stream().noneMatch(part -> part.model.equals(own));
            if (first) {
                name = replaced(name, own, stored);
            }
        }
        return name;
    }

    private static String replaced(String name, String from, String to) {
        if (from.endsWith(".")) {
            return name.startsWith(from) ? to + name.substring(from.length()) : name;
        }
        int at = ("." + name + ".").indexOf("." + from + ".");
        return at < 0 ? name : name.substring(0, at) + to + name.substring(at + from.length());
    }
}
