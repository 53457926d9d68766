package dev.lockstep.decoder.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Layers whose keys and values lie in one page together: as many in each group, and of one window, so that pages of all groups
 * are alike and those of layers with a window can be given back when the window has left them. What vLLM calls a hybrid
 * cache.
 *
 * @param group   by layer, its group
 * @param place   by layer, its place in the group's pages
 * @param windows by group, tokens that a query sees, its own included; 0 for all
 * @param layers  of a group; of one of them some may be missing
 */
public record LayerGroups(int[] group, int[] place, int[] windows, int layers) {
    /** More groups waste less room, and make more work. */
    private static final int MOST_GROUPS = 13;

    /** @param windowOfLayer 0 for layers that see all */
    public static LayerGroups of(List<Integer> windowOfLayer) {
        Map<Integer, List<Integer>> alike = new LinkedHashMap<>();
        for (int layer = 0; layer < windowOfLayer.size(); layer++) {
            alike.computeIfAbsent(windowOfLayer.get(layer), any -> new ArrayList<>()).add(layer);
        }
        int size = size(alike.values().stream().map(List::size).toList());
        int[] group = new int[windowOfLayer.size()];
        int[] place = new int[group.length];
        List<Integer> windows = new ArrayList<>();
        alike.forEach((window, layers) -> {
            for (int i = 0; i < layers.size(); i++) {
                if (i % size == 0) {
                    windows.add(window);
                }
                group[layers.get(i)] = windows.size() - 1;
                place[layers.get(i)] = i % size;
            }
        });
        return new LayerGroups(group, place, windows.stream().mapToInt(window -> window).toArray(), size);
    }

    /** One group, in which each layer keeps all tokens. */
    public static LayerGroups whole(int layers) {
        int[] place = new int[layers];
        Arrays.setAll(place, layer -> layer);
        return new LayerGroups(new int[layers], place, new int[1], layers);
    }

    /** Pages that so many tokens of a slot take, at most: of a window those that it can touch, and one more for the next tokens. */
    static int pages(int tokens, int pageTokens, int... windows) {
        int all = (tokens + pageTokens - 1) / pageTokens;
        int pages = 0;
        // asked for every sequence before each pass, while the device waits
        for (int window : windows) {
            pages += window == 0 ? all : Math.min(all, seen(window, pageTokens) + 1);
        }
        return pages;
    }

    /** Pages that a window can touch. */
    private static int seen(int window, int pageTokens) {
        return (window + pageTokens - 2) / pageTokens + 1;
    }

    /** Pages that are kept for a prompt that comes in pieces, which needs two windows more than it will keep. */
    static int aside(int pageTokens, int... windows) {
        return 2 * Arrays.stream(windows).map(window -> window == 0 ? 0 : seen(window, pageTokens)).sum();
    }

    /** Pages that so many tokens of a slot take, at most. */
    public int pages(int tokens, int pageTokens) {
        return pages(tokens, pageTokens, windows);
    }

    /** Pages that are kept for a prompt that comes in pieces. */
    public int aside(int pageTokens) {
        return aside(pageTokens, windows);
    }

    /** Groups whose layers see all. */
    public int whole() {
        return (int) Arrays.stream(windows).filter(window -> window == 0).count();
    }

    /** Layers of a group such that the least room is wasted, of those the most. */
    private static int size(List<Integer> counts) {
        int least = counts.stream().mapToInt(count -> count).min().orElseThrow();
        int best = least;
        for (int size = least; size > 0; size--) {
            if (groups(counts, size) <= MOST_GROUPS && groups(counts, size) * size < groups(counts, best) * best) {
                best = size;
            }
        }
        return best;
    }

    private static int groups(List<Integer> counts, int size) {
        return counts.stream().mapToInt(count -> (count + size - 1) / size).sum();
    }
}
