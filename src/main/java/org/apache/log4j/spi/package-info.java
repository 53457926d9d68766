/** What log4j keeps apart and MPJ Express names. */
@NullMarked
package org.apache.log4j.spi;

import org.jspecify.annotations.NullMarked;
