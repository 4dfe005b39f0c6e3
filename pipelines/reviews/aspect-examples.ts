/** What a sentence of a review is about; `other` where it is none of these. */
export const aspects = ['picture', 'sound', 'battery', 'price', 'use', 'build', 'service', 'other'] as const;

export type Aspect = (typeof aspects)[number];

/** Sentences of our own, a few of each aspect, praise and complaint mixed, so that nearness is of topic and not of mood. */
export const aspectExamples: Readonly<Record<Aspect, readonly string[]>> = {
  picture: [
    'the picture is sharp and the colors look natural.',
    'photos taken in low light come out blurry.',
    'the screen is too dark to read in the sun.',
    'the lens takes crisp, detailed pictures.',
    'there are lines across the image on my tv.',
    'the zoom and the flash give great close-up shots.',
    'video looks washed out and grainy.',
  ],
  sound: [
    'the sound is clear and the bass is deep.',
    'the headphones hiss at low volume.',
    'music plays loud without distortion.',
    'the speaker crackles during calls.',
    'i can hardly hear the ringtone.',
    'voices are muffled and the audio drops out.',
  ],
  battery: [
    'the battery lasts for days.',
    'it has to be charged twice a day.',
    'battery life is terrible.',
    'the charger takes four hours to fill it up.',
    'after a month it no longer holds a charge.',
  ],
  price: [
    'it is a bargain for what it costs.',
    'far too expensive for what you get.',
    'i paid $ 99 and it is worth every cent.',
    'you can find it cheaper elsewhere.',
    'great value for the money.',
    'the monthly fees add up quickly.',
  ],
  use: [
    'the menus are easy to understand.',
    'it took me hours to set it up.',
    'the buttons are in odd places and hard to press.',
    'the manual explains nothing and the controls are confusing.',
    'installing the software was simple.',
    'you can learn to use it in five minutes.',
    'moving songs to it from the computer is a pain.',
  ],
  build: [
    'it is small and light and fits in my pocket.',
    'the case feels cheap and scratches easily.',
    'it broke after two weeks.',
    'solid, well made and good looking.',
    'the door came loose and the tray jams.',
    'it is heavy and too big to carry.',
    'the design is sleek.',
  ],
  service: [
    'customer support never called me back.',
    'they replaced it under warranty without any questions.',
    'the order arrived two weeks late.',
    'the company refused to give me a refund.',
    'the people on the phone were friendly and helpful.',
    'i sent it back to the seller for repair.',
  ],
  other: [
    'i love it.',
    'i bought this as a birthday present.',
    'this is the best one i have ever owned.',
    'do not buy this.',
    'i read many reviews before i decided.',
    'my old one was a different brand.',
    'it does everything i wanted.',
    'i hope this helps.',
    'what a disappointment.',
    'it plays every format i have tried.',
  ],
};
